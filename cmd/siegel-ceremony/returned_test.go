package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/hsm/keygen"
	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/ceremony"
	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// answer is what a root may have done to a request, right or wrong.
type answer struct {
	*world
	p         *performer
	issuer    *ceremony.Issuer
	key       key // of the issuer
	root      key
	rootOwn   *profiles.Issuer
	stranger  key // another key
	notBefore time.Time
}

// newAnswer performs a ceremony up to the request, and opens the roots' keys beside it.
func newAnswer(t *testing.T, isCVC bool) *answer {
	t.Helper()
	a := &answer{world: newWorld(t), notBefore: today(time.Now())}
	path, issuer := a.newFile()
	root, rootKey := "SIEGEL.RCA1.pem", keygen.Spec{ID: []byte{0xf1}, Label: "root", Type: sigalg.E256}
	if isCVC {
		path, issuer = a.newCVCFile()
		root, rootKey = "DESGX-8-1-02-26.cvc", keygen.Spec{ID: []byte{0xf2}, Label: "CVC root", Type: sigalg.E256}
	}
	p, f, closeAll := a.performerOf(path, issuer)
	t.Cleanup(closeAll)
	if _, err := p.perform(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.p, a.issuer = p, &f.Issuers[0]
	for spec, into := range map[*keygen.Spec]*key{{ID: f.Issuers[0].Key.ID, Label: issuer, Type: sigalg.E256}: &a.key, &rootKey: &a.root} {
		k, err := p.vault.Existing(t.Context(), "t", *spec)
		if err != nil {
			t.Fatal(err)
		}
		*into = k
	}
	other := keygen.Spec{ID: []byte("stranger"), Label: "stranger", Type: sigalg.E256}
	if err := p.vault.Generate(t.Context(), "t", other); err != nil {
		t.Fatal(err)
	}
	var err error
	if a.stranger, err = p.vault.Existing(t.Context(), "t", other); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(a.path("roots", "certificates", root))
	if err != nil {
		t.Fatal(err)
	}
	if a.rootOwn, err = ceremony.ParseIssuer(strings.TrimSuffix(root, root[len(root)-4:]), profiles.RootCA, raw, nil); isCVC {
		a.rootOwn, err = ceremony.ParseIssuer("DESGX-8-1-02-26", profiles.CVCRootCA, raw, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// examine looks at an answer as the ceremony does.
func (a *answer) examine(raw []byte) error {
	_, err := a.p.file.Examine(a.issuer, raw, a.key.Public(), a.catalogue, time.Now())
	return err
}

// x509 makes the certificate that the root should have made, after changes to the request or to its content.
func (a *answer) x509(request func(*profiles.IssuerRequest), content func(*pkix.TBSCertificate), signing key) []byte {
	a.t.Helper()
	profile, _ := a.catalogue.IssuerProfile(profiles.SMCBCA)
	serial, err := newSerial()
	if err != nil {
		a.t.Fatal(err)
	}
	r := &profiles.IssuerRequest{
		Environment: profiles.Test, CommonName: a.issuer.Name, Organization: "Siegel", PublicKey: a.key.Public(), Serial: serial,
		Issuer: a.rootOwn, NotBefore: a.notBefore, OCSPURL: "http://ocsp.siegel.example/root",
	}
	request(r)
	tbs, err := profile.Content(r)
	if err != nil {
		a.t.Fatal(err)
	}
	content(tbs)
	body, err := tbs.Encode()
	if err != nil {
		a.t.Fatal(err)
	}
	sig, err := signing.Sign(context.Background(), tbs.Scheme, body)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := pkix.Assemble(body, tbs.Scheme, sig)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert.Raw
}

// TestX509AnswersThatAreRefused: each has one fault, which the error names as what is not true.
func TestX509AnswersThatAreRefused(t *testing.T) {
	a := newAnswer(t, false)
	same := func(*profiles.IssuerRequest) {}
	asIs := func(*pkix.TBSCertificate) {}
	if err := a.examine(a.x509(same, asIs, a.root)); err != nil {
		t.Fatalf("the good answer: %v", err)
	}
	withoutExtension := func(i int) func(*pkix.TBSCertificate) {
		return func(tbs *pkix.TBSCertificate) { tbs.Extensions = append(tbs.Extensions[:i:i], tbs.Extensions[i+1:]...) }
	}
	for _, c := range []struct {
		name    string
		request func(*profiles.IssuerRequest)
		content func(*pkix.TBSCertificate)
		signing key
		want    string
	}{
		{"another key", func(r *profiles.IssuerRequest) { r.PublicKey = a.stranger.Public() }, asIs, a.root, "not true: its key is the key in the token"},
		{"another root signed", same, asIs, a.stranger, "not true: root SIEGEL.RCA1 signed it"},
		{"another name", func(r *profiles.IssuerRequest) { r.CommonName = "SIEGEL.SMCB-CA999" }, asIs, a.root, "not true: its subject is the one that was asked for"},
		{"another organization", func(r *profiles.IssuerRequest) { r.Organization = "Segel" }, asIs, a.root, "not true: its subject"},
		{"name of production", func(r *profiles.IssuerRequest) { r.Environment = profiles.Production }, asIs, a.root, "not true: its names belong to environment test"},
		{"longer than the root", func(r *profiles.IssuerRequest) {}, func(tbs *pkix.TBSCertificate) { tbs.NotAfter = a.rootOwn.X509.NotAfter.Add(time.Second) }, a.root, "not true: its term lies within that of the root"},
		{"before the root", same, func(tbs *pkix.TBSCertificate) { tbs.NotBefore = a.rootOwn.X509.NotBefore.Add(-time.Second) }, a.root, "not true: its term lies within that of the root"},
		{"nine years", same, func(tbs *pkix.TBSCertificate) { tbs.NotAfter = tbs.NotBefore.AddDate(9, 0, 0) }, a.root, "not true: it lasts no longer than 8 years"},
		{"eight years and a second", same, func(tbs *pkix.TBSCertificate) { tbs.NotAfter = tbs.NotBefore.AddDate(8, 0, 0) }, a.root, "not true: it lasts no longer than 8 years"},
		{"over", same, func(tbs *pkix.TBSCertificate) {
			tbs.NotBefore, tbs.NotAfter = tbs.NotBefore.AddDate(-2, 0, 0), tbs.NotBefore.AddDate(-1, 0, 0)
		}, a.root, "not true: it is valid now, or begins later"},
		{"no subjectKeyIdentifier", same, withoutExtension(0), a.root, "not true: it has the profile of a smcb-ca (lint)"},
		{"no keyUsage", same, withoutExtension(1), a.root, "not true: it has the profile of a smcb-ca (lint)"},
		{"no basicConstraints", same, withoutExtension(2), a.root, "not true: it has the profile of a smcb-ca (lint)"},
		{"no policy", same, withoutExtension(3), a.root, "not true: it has the profile of a smcb-ca (lint)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := a.examine(a.x509(c.request, c.content, c.signing)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
	own, err := os.ReadFile(a.path("roots", "certificates", "SIEGEL.RCA1.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{"nothing": {}, "no certificate": []byte("hello"), "two of them": append(own, own...), "the root": own} {
		if err := a.examine(raw); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// cvc makes the certificate that the CVC root should have made, after changes to its body.
func (a *answer) cvc(change func(*cvc.Body), signing key) []byte {
	a.t.Helper()
	content := cvcContent{reference: a.issuer.Reference(), flags: a.issuer.Flags(), years: cvcCAYears}
	body, err := content.body(a.key.Public().(*brainpool.PublicKey), a.rootOwn.CVC, a.notBefore)
	if err != nil {
		a.t.Fatal(err)
	}
	change(body)
	encoded, err := body.Encode()
	if err != nil {
		a.t.Fatal(err)
	}
	sig, err := signing.Sign(context.Background(), sigalg.ECDSASHA256, encoded)
	if err != nil {
		a.t.Fatal(err)
	}
	raw, err := cvc.Assemble(encoded, sig)
	if err != nil {
		a.t.Fatal(err)
	}
	return raw
}

// TestCVCAnswersThatAreRefused does the same to CV certificates.
func TestCVCAnswersThatAreRefused(t *testing.T) {
	a := newAnswer(t, true)
	if err := a.examine(a.cvc(func(*cvc.Body) {}, a.root)); err != nil {
		t.Fatalf("the good answer: %v", err)
	}
	for _, c := range []struct {
		name    string
		change  func(*cvc.Body)
		signing key
		want    string
	}{
		{"another key", func(b *cvc.Body) { b.PublicKey = a.stranger.Public().(*brainpool.PublicKey) }, a.root, "not true: its key is the key in the token"},
		{"another root signed", func(*cvc.Body) {}, a.stranger, "not true: root DESGX-8-1-02-26 signed it"},
		{"another root named", func(b *cvc.Body) { b.CAR = mustReference(t, "DESGX 8-2-02-26") }, a.root, "not true: root DESGX-8-1-02-26 signed it"},
		{"another name", func(b *cvc.Body) { b.CHR = mustReference(t, "DESGX 1-9-02-26").CHR() }, a.root, "not true: its key is named as was asked for"},
		{"a right too many", func(b *cvc.Body) { b.Flags[1] |= 0x40 | 0x80; b.Flags[2] |= 0x44 }, a.root, "not true: its flag list is that of sub-CA hba-smcb"},
		{"a right too few", func(b *cvc.Body) { b.Flags[6] &^= 0x04 }, a.root, "not true: its flag list is that of sub-CA hba-smcb"},
		{"rights of devices", func(b *cvc.Body) { b.Flags = cvc.Flags{0x80, 6: 0x03} }, a.root, "not true: it has the profile of a cvc-ca (lint)"},
		{"provider of production", func(b *cvc.Body) { b.CHR = mustReference(t, "DESGE 1-1-02-26").CHR() }, a.root, "not true: its names belong to environment test"},
		{"longer than the root", func(b *cvc.Body) { b.CXD.Year += 3 }, a.root, "not true: its term lies within that of the root"},
		{"nine years", func(b *cvc.Body) { b.CXD.Year++ }, a.root, "not true: it lasts no longer than 8 years"},
		{"over", func(b *cvc.Body) { b.CED.Year -= 5; b.CXD = b.CED }, a.root, "not true: it is valid now, or begins later"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := a.examine(a.cvc(c.change, c.signing)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
	if err := a.examine([]byte("hello")); err == nil {
		t.Error("no certificate was taken for one")
	}
}
