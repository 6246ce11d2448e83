package rpc

import (
	"fmt"
	"slices"
	"testing"
	"time"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// TestEnded hears of calls that went well and of those that were refused, by method and code and nothing else.
func TestEnded(t *testing.T) {
	h := start(t, &fakeAuthority{})
	heard := make(chan string, 2)
	h.server.ended = func(method, code string, took time.Duration) {
		if took <= 0 {
			t.Errorf("a call took %s", took)
		}
		heard <- fmt.Sprintf("%s %s", method, code)
	}
	ctx := testContext(t)
	if _, err := siegelv1.NewAuthorityServiceClient(h.as("auditor")).ListIssuers(ctx, &siegelv1.ListIssuersRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := siegelv1.NewAuthorityServiceClient(h.as("line-1")).ListIssuers(ctx, &siegelv1.ListIssuersRequest{}); err == nil {
		t.Fatal("a line may list issuers")
	}
	got := []string{<-heard, <-heard}
	slices.Sort(got)
	const method = siegelv1.AuthorityService_ListIssuers_FullMethodName
	if want := []string{method + " OK", method + " PermissionDenied"}; !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
}
