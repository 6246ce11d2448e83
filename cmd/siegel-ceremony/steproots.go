package main

import (
	"context"
	"crypto/rsa"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/ceremony"
	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

// certifyRoot makes the certificate of a test root, which it signs itself; of a CVC root of generation 1, which has none, the object that
// holds its key.
func (w *work) certifyRoot(ctx context.Context) (ceremony.Facts, error) {
	root := w.step.Root
	k, err := w.createdKey(ctx, w.step.Key)
	if err != nil {
		return ceremony.Facts{}, err
	}
	return w.certified(root.Name, root.Kind, k.Public(), nil, func() (*profiles.Issuer, error) {
		iss := &profiles.Issuer{Name: root.Name, Kind: root.Kind, KeyType: k.Type(), IssuedBy: root.Name}
		if !root.IsCVC() {
			iss.X509, err = w.selfSigned(ctx, root, k)
			return iss, err
		}
		ref, err := root.Reference()
		if err != nil {
			return nil, err
		}
		switch public := k.Public().(type) {
		case *rsa.PublicKey:
			iss.G1, err = cvc.NewG1Root(ref, public)
		case *brainpool.PublicKey:
			content := cvcContent{reference: ref, flags: cvcRootFlags, years: cvcRootYears}
			iss.CVC, err = issueCVCCA(ctx, content, public, nil, k, today(w.now()))
		default:
			err = fmt.Errorf("key %s is no key of a CVC root", root.Key.Label)
		}
		return iss, err
	})
}

func (p *performer) selfSigned(ctx context.Context, root *ceremony.Root, k key) (cert *pkix.Certificate, err error) {
	profile, ok := p.catalogue.IssuerProfile(root.Kind)
	if !ok {
		return nil, fmt.Errorf("the catalogue has no profile for issuers of kind %s", root.Kind)
	}
	return p.certify(ctx, profile, &profiles.IssuerRequest{
		Environment: p.file.Environment, CommonName: root.Name, Organization: root.Organization, PublicKey: k.Public(),
		NotBefore: today(p.now()), OCSPURL: root.OCSPURL,
	}, k)
}

// startOfDay is today, or the first day of the one above where that begins later.
func (p *performer) startOfDay(above *profiles.Issuer) time.Time {
	from := today(p.now())
	if first, _, limited := above.Validity(); limited && first.After(from) {
		return first
	}
	return from
}

func today(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
