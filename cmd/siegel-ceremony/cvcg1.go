package main

import (
	"context"
	"crypto/rsa"
	"fmt"
	"strings"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/hierarchy"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// makeCVCG1 makes a CVC root and a CVC-CA of generation 1, RSA with message recovery: a hierarchy of its own, since the generations do not
// certify each other (gemKPT_PKI_TIP, section 2.3.6). The root is a bare key with a reference, as cards store it. The references have the
// form of those in real certificates, where root and CVC-CA both have the service indicator 1.
func (c *testCeremony) makeCVCG1(ctx context.Context) error {
	root, rootSigner, err := c.newG1Key(ctx, 1)
	if err != nil {
		return err
	}
	rootName := g1Name(root.CAR)
	c.issuers = append(c.issuers, hierarchy.Issuer{Issuer: profiles.Issuer{
		Name: rootName, Kind: profiles.CVCRootCA, KeyType: sigalg.R2048, G1: root, IssuedBy: rootName,
	}})
	sub, subKey, err := c.newG1Key(ctx, 0)
	if err != nil {
		return err
	}
	certified, err := issueG1CA(ctx, sub.CAR, sub.PublicKey, root, rootSigner)
	if err != nil {
		return err
	}
	c.issuers = append(c.issuers, hierarchy.Issuer{KeyID: subKey.ID(), Issuer: profiles.Issuer{
		Name: g1Name(sub.CAR), Kind: profiles.CVCSubCA, KeyType: sigalg.R2048, G1: certified, IssuedBy: rootName,
		Profiles: c.catalogue.ProfilesFor(profiles.CVCSubCA, sigalg.RSA),
	}})
	return nil
}

// g1Signer is a key of the token with its name in it.
type g1Signer interface {
	signer
	ID() []byte
}

// newG1Key creates an RSA key under the name of a CA of generation 1; the digit tells the keys of one year apart. It comes back as a
// key that is named and not certified, which is all that a root is.
func (c *testCeremony) newG1Key(ctx context.Context, digit int) (*cvc.G1CA, g1Signer, error) {
	ref, err := cvc.NewReference(cvcProvider, cvc.ServiceSubCA, digit, cvc.AlgorithmRSA, c.start.Year())
	if err != nil {
		return nil, nil, fmt.Errorf("name the CVC key: %w", err)
	}
	key, err := c.newKey(ctx, g1Name(ref), sigalg.R2048)
	if err != nil {
		return nil, nil, err
	}
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		return nil, nil, fmt.Errorf("the new key %s is not an RSA key", ref)
	}
	named, err := cvc.NewG1Root(ref, public)
	if err != nil {
		return nil, nil, fmt.Errorf("name the new key %s: %w", ref, err)
	}
	return named, key, nil
}

// g1Name makes a reference the name of an issuer and its file: "DESGX 1-0-01-26" is DESGX-1-0-01-26.
func g1Name(ref cvc.Reference) string { return strings.ReplaceAll(ref.String(), " ", "-") }

// issueG1CA makes, signs and opens the certificate of a sub-CA of generation 1, 331 octets.
func issueG1CA(ctx context.Context, ref cvc.Reference, subject *rsa.PublicKey, root *cvc.G1CA, key signer) (*cvc.G1CA, error) {
	body := &cvc.G1Body{PublicKey: subject, CHR: ref.CHR(), CAR: root.CAR}
	message, err := body.Message()
	if err != nil {
		return nil, fmt.Errorf("encode the CV certificate of %s: %w", ref, err)
	}
	block, err := cvc.EncodeG1Block(message)
	if err != nil {
		return nil, fmt.Errorf("pad the CV certificate of %s: %w", ref, err)
	}
	result, err := key.Sign(ctx, sigalg.ISO9796SHA256, block)
	if err != nil {
		return nil, fmt.Errorf("sign the CV certificate of %s: %w", ref, err)
	}
	raw, err := cvc.AssembleG1(message, result, root.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("assemble the CV certificate of %s: %w", ref, err)
	}
	sealed, err := cvc.ParseG1(raw)
	if err != nil {
		return nil, fmt.Errorf("parse the new CV certificate of %s: %w", ref, err)
	}
	certified, err := sealed.OpenCA(root)
	if err != nil {
		return nil, fmt.Errorf("open the new CV certificate of %s: %w", ref, err)
	}
	if certified.CHR != body.CHR || !certified.PublicKey.Equal(subject) {
		return nil, fmt.Errorf("the new CV certificate of %s opens to something else", ref)
	}
	return certified, nil
}
