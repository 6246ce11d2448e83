package e2e

import (
	"io"
	"net"
	"sync"
	"testing"
)

// proxy stands before a server at an address that stays when the server is started anew, and can cut every connection in the middle of
// whatever goes through it.
type proxy struct {
	lis     net.Listener
	serving sync.WaitGroup

	mu     sync.Mutex
	target string
	conns  map[net.Conn]bool
	closed bool
}

func newProxy(t *testing.T) *proxy {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{lis: lis, conns: map[net.Conn]bool{}}
	p.serving.Go(p.accept)
	t.Cleanup(func() {
		lis.Close()
		p.mu.Lock()
		p.closed = true
		p.mu.Unlock()
		p.cut()
		p.serving.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.lis.Addr().String() }

// lead sends new connections to a server.
func (p *proxy) lead(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// cut closes every connection, to both sides, without a word.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			tcp.SetLinger(0) // a reset, as when a cable breaks and a box in between forgets the connection
		}
		c.Close()
	}
}

func (p *proxy) accept() {
	for {
		client, err := p.lis.Accept()
		if err != nil {
			return
		}
		p.serving.Go(func() { p.serve(client) })
	}
}

// keep notes a connection for cut. It tells whether the proxy goes on.
func (p *proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.conns[c] = true
	}
	return !p.closed
}

func (p *proxy) drop(c net.Conn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

func (p *proxy) serve(client net.Conn) {
	defer p.drop(client)
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer p.drop(server)
	if !p.keep(client) || !p.keep(server) {
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		both.Go(func() {
			io.Copy(way[1], way[0])
			way[1].Close() // either end ends both ways
			way[0].Close()
		})
	}
	both.Wait()
}
