package postgres

import (
	"sync"
	"time"
)

// floor says from which id on to look for entries without a place. The index of those keeps the entries that have got theirs until nobody
// can see them without: as long as one transaction stays open, a backup for example, every look from the beginning would go over all that were
// numbered since it began, more with each round of the sequencer. Safe for concurrent use; the zero value looks from the beginning.
//
// Ids are drawn before the transactions commit, so that a smaller one may come later. It is found at once where it is not more than floorSlack
// behind, and else within wholeLook.
type floor struct {
	mu     sync.Mutex
	id     int64     // entries up to it had their places, as far as they were committed
	looked time.Time // when it was last looked from the beginning
}

const (
	// floorSlack is how many entries others may record while a transaction lasts that records one, and that is two round trips.
	floorSlack = 4096
	wholeLook  = 10 * time.Second
)

// after gives the id after which to look.
func (f *floor) after(now time.Time) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.looked) >= wholeLook {
		f.looked = now
		return 0
	}
	return max(f.id-floorSlack, 0)
}

// numbered is told the ids of entries that have got their places, ascending.
func (f *floor) numbered(ids []int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.id = max(f.id, ids[len(ids)-1])
}
