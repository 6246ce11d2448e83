package brainpool

import (
	"sync"
	"testing"
)

// Keys and verifiers are shared by goroutines, the first of which makes the table of G. With the race detector on, this shows that
// nothing is written that another reads.
func TestConcurrentUse(t *testing.T) {
	fresh := []*Curve{newCurve[[4]uint64](&params256), newCurve[[6]uint64](&params384), newCurve[[8]uint64](&params512)}
	for i, c := range refCurves {
		t.Run(c.Name(), func(t *testing.T) {
			used, digest, sig := c.sample(t)
			key, err := fresh[i].ParsePoint(used.Bytes()) // on a curve whose table is not made yet
			if err != nil {
				t.Fatal(err)
			}
			verifier := NewVerifier(key)
			var wait sync.WaitGroup
			for range 8 {
				wait.Go(func() {
					if !key.Verify(digest, sig) || !verifier.Verify(digest, sig) || !NewVerifier(key).Verify(digest, sig) {
						t.Error("a genuine signature is not valid")
					}
				})
			}
			wait.Wait()
		})
	}
}
