package main

import (
	"context"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/hierarchy"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// cvcProvider is the provider code in the names of the CVC keys. Those of test CAs end in X.
const cvcProvider = "DESGX"

// The terms of CV certificates of CAs in years: what every real one has (gemSpec_CVC_Root, TIP1-A_5184; gemSpec_CVC_TSP, TIP1-A_2600-01).
const (
	cvcRootYears = 10
	cvcCAYears   = 8
)

// cvcLevel is a CVC key of generation 2 that is to be made.
type cvcLevel struct {
	kind    profiles.IssuerKind
	service int // what the key signs
	number  int // tells the keys of one kind and year apart
	flags   cvc.Flags
	years   int
	signs   []string // profiles
}

// makeCVC makes a CVC root, and CVC-CAs of the second level for institution cards, device cards and the cards of KTR-AdV: the root gives a CA
// the rights of one kind of cards and no other (Tab_PKI_919-02).
func (c *testCeremony) makeCVC(ctx context.Context) error {
	root, rootKey, err := c.makeCVCCA(ctx, cvcLevel{profiles.CVCRootCA, cvc.ServiceRoot, 1, cvcRootFlags, cvcRootYears, nil}, nil, nil)
	if err != nil {
		return err
	}
	for i, ca := range []struct {
		row  string // of subca.yaml
		kind profiles.IssuerKind
	}{
		{"hba-smcb", profiles.CVCSubCA},
		{"gsmc", profiles.CVCDeviceCA},
		{"ktr-adv", profiles.CVCSubCA},
	} {
		row, ok := c.catalogue.SubCA(ca.row)
		if !ok {
			return fmt.Errorf("the catalogue has no sub-CA %s", ca.row)
		}
		level := cvcLevel{ca.kind, cvc.ServiceSubCA, i + 1, row.Flags, cvcCAYears, c.catalogue.ProfilesFor(ca.kind, sigalg.ECC)}
		if _, _, err := c.makeCVCCA(ctx, level, root, rootKey); err != nil {
			return err
		}
	}
	return nil
}

// makeCVCCA makes a key and its certificate. Without an issuer above it is a root's.
func (c *testCeremony) makeCVCCA(ctx context.Context, level cvcLevel, above *hierarchy.Issuer, aboveKey *hsm.Key) (*hierarchy.Issuer, *hsm.Key, error) {
	year := c.start.Year()
	ref, err := cvc.NewReference(cvcProvider, level.service, level.number, cvc.AlgorithmECC, year)
	if err != nil {
		return nil, nil, fmt.Errorf("name the CVC key: %w", err)
	}
	name := fmt.Sprintf("%s-%d-%d-%02d-%02d", cvcProvider, level.service, level.number, cvc.AlgorithmECC, year%100)
	key, err := c.newKey(ctx, name, sigalg.E256)
	if err != nil {
		return nil, nil, err
	}
	subject, ok := key.Public().(*brainpool.PublicKey)
	if !ok {
		return nil, nil, fmt.Errorf("the new key %s is not on a brainpool curve", name)
	}
	iss := &hierarchy.Issuer{Issuer: profiles.Issuer{Name: name, Kind: level.kind, KeyType: sigalg.E256, IssuedBy: name, Profiles: level.signs}}
	signing := key
	var issuer *cvc.Certificate
	if above != nil {
		iss.KeyID, iss.IssuedBy, issuer, signing = key.ID(), above.Name, above.CVC, aboveKey
	}
	content := cvcContent{reference: ref, flags: level.flags, years: level.years}
	if iss.CVC, err = issueCVCCA(ctx, content, subject, issuer, signing, c.start.Truncate(24*time.Hour)); err != nil {
		return nil, nil, err
	}
	c.issuers = append(c.issuers, *iss)
	return iss, key, nil
}
