package cvc

import (
	"errors"
	"strings"
	"testing"
)

// Real pairs of roots vouch for each other in both directions. From the two roots alone the link certificates come out again, octet for
// octet but for the signature.
func TestLinkBodyMakesTheRealOnes(t *testing.T) {
	v := loadVectors(t)
	roots := map[Reference]*Certificate{}
	for _, e := range v.RealG2 {
		if strings.HasPrefix(e.Name, "root-") {
			c := mustParse(t, e.Hex)
			roots[c.CAR] = c
		}
	}
	links := 0
	for _, e := range v.RealG2 {
		if !strings.HasPrefix(e.Name, "link-") {
			continue
		}
		links++
		t.Run(e.Name, func(t *testing.T) {
			link := mustParse(t, e.Hex)
			subject, _ := link.CHR.Reference()
			body, err := LinkBody(roots[subject], roots[link.CAR])
			if err != nil {
				t.Fatal(err)
			}
			got, err := body.Encode()
			if err != nil {
				t.Fatal(err)
			}
			equalOctets(t, "body", got, link.RawBody)
		})
	}
	t.Logf("%d link certificates", links)
	if links == 0 {
		t.Error("no real link certificate seen")
	}
}

func TestLinkBodyRefuses(t *testing.T) {
	v := loadVectors(t)
	root, other, sub := v.parse(t, "root-DEGXX-8-2-02-14"), v.parse(t, "root-DEGXX-8-3-02-14"), v.parse(t, "subca-DEATO-1-0-02-16")
	foreign := *other
	foreign.FlagOID = FlagsCMS
	for _, tt := range []struct {
		name            string
		subject, issuer *Certificate
		want            error
	}{
		{"a sub-CA", sub, root, ErrIssuerRole},
		{"from a sub-CA", root, sub, ErrIssuerRole},
		{"to itself", root, root, ErrIssuerRole},
		{"from another hierarchy", root, &foreign, ErrHierarchy},
	} {
		if b, err := LinkBody(tt.subject, tt.issuer); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, %v, want %v", tt.name, b, err, tt.want)
		}
	}
}
