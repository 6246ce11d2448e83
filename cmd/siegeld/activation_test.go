package main

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/hsm/pinshare"
	"github.com/siegel-pki/siegel/internal/rpc"
)

// TestCollector takes one share from each of two persons, whatever they try before.
func TestCollector(t *testing.T) {
	mine, yours, err := pinshare.Split([]byte("31415926"))
	if err != nil {
		t.Fatal(err)
	}
	foreign, _, err := pinshare.Split([]byte("31415926"))
	if err != nil {
		t.Fatal(err)
	}
	complete := 0
	c := &collector{complete: func() { complete++ }}
	for i, step := range []struct {
		person, share string
		missing       int
		refused       string
	}{
		{"ada", "nonsense", 0, "80 letters and digits"},
		{"ada", mine.Text(), 1, ""},
		{"ada", mine.Text(), 1, ""}, // the answer was lost
		{"ada", yours.Text(), 0, "another person"},
		{"bela", mine.Text(), 0, "begin again"}, // the same share, known to two
		{"bela", yours.Text(), 1, ""},
		{"ada", foreign.Text(), 0, "begin again"},
		{"ada", mine.Text(), 1, ""},
		{"bela", yours.Text(), 0, ""},
		{"bela", yours.Text(), 0, ""}, // the answer was lost
	} {
		missing, err := c.give(t.Context(), step.person, []byte(step.share))
		refused, isRefused := errors.AsType[*rpc.RefusedShare](err)
		if missing != step.missing || isRefused != (step.refused != "") || isRefused && !strings.Contains(refused.Message, step.refused) {
			t.Errorf("step %d: %d missing, %v; want %d, %q", i+1, missing, err, step.missing, step.refused)
		}
	}
	if pin := c.take(); string(pin) != "31415926" || complete != 1 {
		t.Errorf("PIN %q, complete %d times", pin, complete)
	}
	if pin := c.take(); pin != nil {
		t.Errorf("the PIN was kept: %q", pin)
	}
}

// TestBorrowedListener is closed by one server and serves the next.
func TestBorrowedListener(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	mine := borrowed{lis}
	ended := make(chan error, 1)
	go func() {
		_, err := mine.Accept()
		ended <- err
	}()
	if err := mine.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v, want net.ErrClosed", err)
	}
	if err := mine.interrupt(time.Time{}); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", lis.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	next, err := lis.Accept()
	if err != nil {
		t.Fatalf("the next server: %v", err)
	}
	next.Close()
}
