package cvc

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// The synthetic certificates have known keys and fill what the real ones leave open: all curves, and curves mixed.

func TestSyntheticEncodeFromFields(t *testing.T) {
	v := loadVectors(t)
	for _, e := range v.Synthetic {
		if isG1Name(e.Name) {
			continue
		}
		t.Run(e.Name, func(t *testing.T) {
			chr, err := ParseCHR(e.Decoded.CHR)
			if e.Decoded.ICCSN != "" {
				var keyID uint16
				if _, err := fmt.Sscanf(e.Decoded.CHRKeyID, "%x", &keyID); err != nil {
					t.Fatal(err)
				}
				chr, err = CardCHR(keyID, e.Decoded.ICCSN)
			}
			if err != nil {
				t.Fatal(err)
			}
			b := Body{
				CAR:       mustReference(t, e.Decoded.CARText),
				PublicKey: v.ecKey(t, e.SubjectKey),
				CHR:       chr,
				FlagOID:   FlagsTI,
				Flags:     mustFlags(t, e.Decoded.Flags),
				CED:       mustDate(t, e.Decoded.CED),
				CXD:       mustDate(t, e.Decoded.CXD),
			}
			body, err := b.Encode()
			if err != nil {
				t.Fatal(err)
			}
			c := mustParse(t, e.Hex)
			equalOctets(t, "body", body, c.RawBody)
			compareFields(t, c, e)
			encodeAgain(t, c)
			if err := c.CheckSignature(v.ecKey(t, e.SignerKey)); err != nil {
				t.Errorf("with key %s: %v", e.SignerKey, err)
			}
		})
	}
}

func TestSyntheticChains(t *testing.T) {
	v := loadVectors(t)
	var issuers []*Certificate
	for _, e := range v.Synthetic {
		if strings.Contains(e.Name, "root") || strings.Contains(e.Name, "subca") {
			issuers = append(issuers, mustParse(t, e.Hex))
		}
	}
	for _, e := range v.Synthetic {
		if isG1Name(e.Name) {
			continue
		}
		t.Run(e.Name, func(t *testing.T) {
			if _, err := VerifyChain(mustParse(t, e.Hex), issuers...); err != nil {
				t.Error(err)
			}
		})
	}
}

// Each negative certificate is refused for its own reason: some by Parse, since they contradict themselves, the others only
// against their issuer.
func TestNegativeCertificatesAreRefused(t *testing.T) {
	reasons := map[string]struct {
		err      error
		byParser bool
	}{
		"neg-signed-over-value-only":      {ErrSignature, false},
		"neg-r-s-swapped":                 {ErrSignature, false},
		"neg-cxd-bit-flipped":             {ErrSignature, false},
		"neg-ced-after-cxd":               {ErrDateOrder, true},
		"neg-cxd-after-issuer-cxd":        {ErrOutlivesIssuer, false},
		"neg-flags-not-covered-by-issuer": {ErrExceedsIssuer, false},
		"neg-ee-with-ca-oid":              {ErrKeyOID, true},
	}
	v := loadVectors(t)
	root, issuer := v.parse(t, "syn-root-p256"), v.parse(t, "syn-subca-p256-smcb-2A")
	if len(v.Negative) != len(reasons) {
		t.Errorf("got %d negative vectors, want %d", len(v.Negative), len(reasons))
	}
	for _, e := range v.Negative {
		t.Run(e.Name, func(t *testing.T) {
			want := reasons[e.Name]
			c, err := Parse(e.Hex)
			if (err != nil) != want.byParser {
				t.Fatalf("Parse: got %v, want an error: %t", err, want.byParser)
			}
			if err == nil {
				_, err = VerifyChain(c, issuer, root)
			}
			if !errors.Is(err, want.err) {
				t.Fatalf("got %v, want %v", err, want.err)
			}
			for _, other := range reasons {
				if other.err != want.err && errors.Is(err, other.err) {
					t.Errorf("%v is also %v", err, other.err)
				}
			}
		})
	}
}

// What ErrSignature does not cover: a certificate presented to the wrong issuer.
func TestIssuerMismatch(t *testing.T) {
	v := loadVectors(t)
	card, device := v.parse(t, "syn-ee-p256-smcb-role-2A"), v.parse(t, "syn-ee-p256-smcb-device")
	subCA, root := v.parse(t, "syn-subca-p256-smcb-2A"), v.parse(t, "syn-root-p256")
	otherCA := v.parse(t, "syn-subca-p384-smcb-2ZA")
	cms := *subCA
	cms.FlagOID = FlagsCMS
	rootAsCA := *root // certifies a card itself
	rootAsCA.CHR, rootAsCA.PublicKey = subCA.CHR, subCA.PublicKey
	misnamed := *subCA // a sub-CA with the name of a root
	misnamed.CHR = root.CHR

	for _, test := range []struct {
		name   string
		cert   *Certificate
		issuer *Certificate
		want   error
	}{
		{"the right one", card, subCA, nil},
		{"another CA", card, otherCA, ErrIssuerReference},
		{"another hierarchy", card, &cms, ErrHierarchy},
		{"a card", card, device, ErrIssuerRole},
		{"a root for a card", card, &rootAsCA, ErrIssuerRole},
		{"a root for a sub-CA", subCA, root, nil},
		{"a root for a sub-CA named like a root", &misnamed, root, ErrIssuerRole},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.cert.CheckSignatureFrom(test.issuer); !errors.Is(err, test.want) {
				t.Errorf("CheckSignatureFrom: got %v, want %v", err, test.want)
			}
			if err := test.cert.CheckIssuedBy(test.issuer); !errors.Is(err, test.want) {
				t.Errorf("CheckIssuedBy: got %v, want %v", err, test.want)
			}
		})
	}
	if err := NewPool().AddIssuer(card); !errors.Is(err, ErrIssuerRole) {
		t.Errorf("AddIssuer of a card: got %v, want %v", err, ErrIssuerRole)
	}
	if _, err := VerifyChain(card, device, root); !errors.Is(err, ErrIssuerRole) {
		t.Errorf("VerifyChain with a card among the issuers: got %v, want %v", err, ErrIssuerRole)
	}
}
