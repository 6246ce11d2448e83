package main

import (
	"context"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/profiles"
)

// TestLinkCertificates lets two roots of a token vouch for each other: below either of them, the sub-CA of the other verifies.
func TestLinkCertificates(t *testing.T) {
	ctx := context.Background()
	c := &testCeremony{
		cmd:   &testHierarchyCmd{Data: filepath.Join(t.TempDir(), "data"), Host: "siegel.example"},
		start: time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC), progress: io.Discard,
	}
	if err := c.openToken(ctx); err != nil {
		t.Fatal(err)
	}
	defer c.token.Close()
	root := func(number int) (*cvc.Certificate, signer) {
		iss, key, err := c.makeCVCCA(ctx, cvcLevel{profiles.CVCRootCA, cvc.ServiceRoot, number, cvcRootFlags, cvcRootYears, nil}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.start = c.start.AddDate(2, 0, 0)
		return iss.CVC, key
	}
	old, oldKey := root(1)
	young, youngKey := root(2)
	content := cvcContent{reference: mustReference(t, "DESGX 1-1-02-28"), flags: cvc.Flags{0x80, 6: 0x03}, years: cvcCAYears}
	sub, err := issueCVCCA(ctx, content, young.PublicKey, young, youngKey, c.start)
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range []struct {
		name            string
		subject, issuer *cvc.Certificate
		key             signer
	}{{"old for young", young, old, oldKey}, {"young for old", old, young, youngKey}} {
		link, err := issueLink(ctx, pair.subject, pair.issuer, pair.key)
		if err != nil {
			t.Fatalf("%s: %v", pair.name, err)
		}
		if !link.IsLink() || link.CXD != pair.subject.CXD || link.CED != young.CED {
			t.Errorf("%s: link %t, %s to %s, want the younger's beginning %s and the subject's end %s", pair.name, link.IsLink(), link.CED, link.CXD, young.CED, pair.subject.CXD)
		}
		if pair.issuer == old {
			if _, err := cvc.VerifyChain(sub, link, old); err != nil {
				t.Errorf("below the old root: %v", err)
			}
		}
	}
	if _, err := issueLink(ctx, sub, old, oldKey); err == nil {
		t.Error("a root vouches for a sub-CA as if it were a root")
	}
}

func mustReference(t *testing.T, s string) cvc.Reference {
	t.Helper()
	ref, err := cvc.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}
