package rpc

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// The story of this file: who asks for it is told where in the log the card's entry stands. A log that stands still keeps no card back.

// issuing is an authority that issues the test card, and a log that answers as told.
func issuing(t *testing.T, await func(ctx context.Context, entryID int64) (*ca.Inclusion, error)) *fakeAuthority {
	return &fakeAuthority{
		issuers: testIssuers(), await: await,
		issue: func(context.Context, string, *profiles.Order) (*ca.Card, error) { return testCard(t), nil },
	}
}

func TestIssueCardWaitsForInclusion(t *testing.T) {
	var asked int64
	h := start(t, issuing(t, func(_ context.Context, entryID int64) (*ca.Inclusion, error) {
		asked = entryID
		return &ca.Inclusion{LeafIndex: 41, Checkpoint: []byte("the checkpoint\n")}, nil
	}))
	answer, err := h.line().IssueCard(testContext(t), &siegelv1.IssueCardRequest{Order: goodOrder(), WaitForInclusion: true})
	if err != nil {
		t.Fatal(err)
	}
	if in := answer.GetInclusion(); in.GetLeafIndex() != 41 || in.GetCheckpoint() != "the checkpoint\n" || asked != testCard(t).EntryID {
		t.Errorf("inclusion of entry %d is %v, want leaf 41 and the checkpoint for entry %d", asked, in, testCard(t).EntryID)
	}
	answer, err = h.line().IssueCard(testContext(t), &siegelv1.IssueCardRequest{Order: goodOrder()})
	if err != nil || answer.GetInclusion() != nil {
		t.Errorf("who does not wait gets %v, %v, want no inclusion", answer.GetInclusion(), err)
	}
}

func TestInclusionThatFails(t *testing.T) {
	h := start(t, issuing(t, func(context.Context, int64) (*ca.Inclusion, error) {
		return nil, &ca.UnavailableError{Err: errors.New("database away"), RetryAfter: time.Second}
	}))
	_, err := h.line().IssueCard(testContext(t), &siegelv1.IssueCardRequest{Order: goodOrder(), WaitForInclusion: true})
	if status.Code(err) != codes.Unavailable {
		t.Errorf("IssueCard = %v, want UNAVAILABLE", err)
	}
}

// TestLogThatStandsStill runs on a clock of its own.
func TestLogThatStandsStill(t *testing.T) {
	still := func(ctx context.Context, _ int64) (*ca.Inclusion, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	synctest.Test(t, func(t *testing.T) {
		s := &issuance{log: issuing(t, still)}
		begun := time.Now()
		in, err := s.awaitInclusion(t.Context(), 1)
		if took := time.Since(begun); in != nil || err != nil || took != inclusionPatience {
			t.Errorf("after %s got %v, %v, want nothing after %s", took, in, err, inclusionPatience)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.awaitInclusion(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline of the call", err)
		}
	})
}
