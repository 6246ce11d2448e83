package web

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// maxClients bounds the clients that a limiter remembers in each of its halves.
const maxClients = 1 << 16

// limiter bounds the requests of each client: a token bucket for each address, for IPv6 for each network of 64 bits, which one client may
// have for itself. What it remembers of a client is when it asked last and what it has left, for some seconds, in memory (TIP1-A_4234).
//
// It keeps two halves. When the newer one is full, or as old as a bucket takes to fill, it takes the place of the older one, which is
// forgotten: its clients would have full buckets again, or there are so many of them that a bound for each is of no use.
type limiter struct {
	rate  float64 // requests per second; 0 lets everything through
	burst float64
	now   func() time.Time

	mu     sync.Mutex // guards what is below
	halves [2]map[netip.Addr]bucket
	turned time.Time
}

// bucket is what a client has left at an instant.
type bucket struct {
	left float64
	at   time.Time
}

// newLimiter lets each client make rate requests per second, and twice as many at once.
func newLimiter(rate int) *limiter {
	return &limiter{rate: float64(rate), burst: 2 * float64(rate), now: time.Now, halves: [2]map[netip.Addr]bucket{{}, {}}}
}

// allow tells whether a request may go on. Where the client's address is not known, it may.
func (l *limiter) allow(r *http.Request) bool {
	if l.rate == 0 {
		return true
	}
	client, ok := clientOf(r.RemoteAddr)
	if !ok {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.turn(now)
	b, known := l.halves[0][client]
	if !known {
		b, known = l.halves[1][client]
	}
	if !known {
		b = bucket{l.burst, now}
	}
	b.left = min(l.burst, b.left+l.rate*now.Sub(b.at).Seconds())
	b.at = now
	enough := b.left >= 1
	if enough {
		b.left--
	}
	l.halves[0][client] = b
	return enough
}

// turn forgets the older half. The caller holds mu.
func (l *limiter) turn(now time.Time) {
	if len(l.halves[0]) < maxClients && now.Sub(l.turned).Seconds() < l.burst/l.rate {
		return
	}
	l.halves = [2]map[netip.Addr]bucket{{}, l.halves[0]}
	l.turned = now
}

// clientOf gives what stands for a client.
func clientOf(remote string) (netip.Addr, bool) {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}, false
	}
	addr := at.Addr().Unmap().WithZone("")
	if addr.Is4() {
		return addr, true
	}
	network, err := addr.Prefix(64)
	return network.Addr(), err == nil
}
