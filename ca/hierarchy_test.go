package ca_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: a test hierarchy in memory, as a ceremony would make it on a token. Two roots with an SMC-B CA each,
// one for each key generation, a CVC root with its sub-CA of each generation, and the issuers of qualified certificates and of devices.

// dayOfIssue is the day on which the tests happen.
var dayOfIssue = time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)

// The issuers of the hierarchy, in their order.
const (
	rootRSA = iota
	smcbRSA
	rootECC
	smcbECC
	cvcRoot
	cvcSub
	g1Root
	g1Sub
	qes
	kompRSA
	kompECC
	cvcDevice
	cvcKTRAdV
)

// entriesAtStart is how many entries the first start leaves: its own, one for each issuer and root, and one for the key session of each
// issuer that signs.
const (
	entriesAtStart = 1 + issuersKnown + 9
	issuersKnown   = 13
)

// hierarchy makes the issuers once: keys take time. Do not change them; configuration gives copies.
var hierarchy = sync.OnceValue(func() []ca.Issuer {
	var list []ca.Issuer
	for i, key := range []func() ca.Key{
		func() ca.Key { return newRSAKey() }, func() ca.Key { return newRSAKey() },
		func() ca.Key { return newECKey() }, func() ca.Key { return newECKey() },
	} {
		var above *ca.Issuer
		if i == smcbRSA || i == smcbECC {
			above = &list[i-1]
		}
		list = append(list, x509Issuer(i, key(), above))
	}
	root := cvcIssuer("SIEGEL-CVC-Root1", newECKey(), nil)
	list = append(list, root, cvcIssuer("SIEGEL-CVC-CA1", newECKey(), &root))
	list = append(list, g1Issuers(newRSAKey(), newRSAKey())...)
	return append(list,
		profiledIssuer(profiles.QESCA, "SIEGEL.SMCB-qCA1", newRSAKey(), nil),
		profiledIssuer(profiles.KOMPCA, "SIEGEL.KOMP-CA1", newRSAKey(), &list[rootRSA]),
		profiledIssuer(profiles.KOMPCA, "SIEGEL.KOMP-CA2", newECKey(), &list[rootECC]),
		cvcSubIssuer(profiles.CVCDeviceCA, "SIEGEL-CVC-CA2", "DESGX 1-2-02-25", "80000000000003", newECKey(), &root),
		cvcSubIssuer(profiles.CVCSubCA, "SIEGEL-CVC-CA3", "DESGX 1-3-02-25", "80AE1ACDC1DC04", newECKey(), &root))
})

// profiledIssuer certifies an issuer with the profile of its kind. One of qualified certificates signs itself, and with RSASSA-PSS.
func profiledIssuer(kind profiles.IssuerKind, name string, key ca.Key, above *ca.Issuer) ca.Issuer {
	return profiledIssuerIn(profiles.Test, kind, name, key, above)
}

// profiledIssuerIn is profiledIssuer in an environment.
func profiledIssuerIn(env profiles.Environment, kind profiles.IssuerKind, name string, key ca.Key, above *ca.Issuer) ca.Issuer {
	set := must(profiles.Builtin())
	profile, _ := set.IssuerProfile(kind)
	iss := ca.Issuer{Key: key, Issuer: &profiles.Issuer{
		Name: name, Kind: kind, KeyType: must(sigalg.TypeOf(key.Public())), IssuedBy: name, OCSPURL: "http://ocsp.siegel.example/" + name,
		Profiles: set.ProfilesFor(kind, must(sigalg.TypeOf(key.Public())).Generation()),
	}}
	if kind == profiles.QESCA {
		iss.PSS = true
		iss.Qualified = &profiles.QualifiedInfo{PDS: []pkix.PDSLocation{{URL: "https://siegel.example/pds", Language: "en"}}, RetentionYears: 7}
	}
	r := &profiles.IssuerRequest{
		Environment: env, CommonName: name, Organization: "Siegel", PublicKey: key.Public(), PSS: iss.PSS,
		Serial: must(pkix.NewSerial([]byte(name)[:8])), NotBefore: date(2025, 1, 1), OCSPURL: "http://ocsp.siegel.example/root",
	}
	signer := key
	if above != nil {
		r.Issuer, signer, iss.IssuedBy = above.Issuer, above.Key, above.Name
	}
	tbs := must(profile.Content(r))
	body := must(tbs.Encode())
	signature := must(signer.Sign(context.Background(), tbs.Scheme, body))
	iss.X509 = must(pkix.Assemble(body, tbs.Scheme, signature))
	return iss
}

// cvcSubIssuer certifies a sub-CA with rights of its own: for device cards, or for those of the sector ktr-adv (Tab_PKI_919-02).
func cvcSubIssuer(kind profiles.IssuerKind, name, reference, flags string, key ca.Key, root *ca.Issuer) ca.Issuer {
	body := root.CVC.Body
	body.CHR, body.PublicKey = must(cvc.ParseReference(reference)).CHR(), key.Public().(*brainpool.PublicKey)
	body.Flags = must(cvc.ParseFlags(flags))
	octets := must(body.Encode())
	signature := must(root.Key.Sign(context.Background(), sigalg.ECDSASHA256, octets))
	return ca.Issuer{Key: key, Issuer: &profiles.Issuer{
		Name: name, Kind: kind, KeyType: sigalg.E256, IssuedBy: root.Name,
		CVC: must(cvc.Parse(must(cvc.Assemble(octets, signature)))), Profiles: must(profiles.Builtin()).ProfilesFor(kind, sigalg.ECC),
	}}
}

// g1Issuers names a root of generation 1 and certifies a sub-CA below it.
func g1Issuers(rootKey, subKey *rsaKey) []ca.Issuer {
	root := must(cvc.NewG1Root(must(cvc.ParseReference("DESGX 1-1-01-24")), &rootKey.private.PublicKey))
	body := &cvc.G1Body{PublicKey: &subKey.private.PublicKey, CHR: must(cvc.ParseReference("DESGX 1-0-01-25")).CHR(), CAR: root.CAR}
	message := must(body.Message())
	result := must(rootKey.Sign(context.Background(), sigalg.ISO9796SHA256, must(cvc.EncodeG1Block(message))))
	sub := must(must(cvc.ParseG1(must(cvc.AssembleG1(message, result, root.PublicKey)))).OpenCA(root))
	return []ca.Issuer{
		{Key: rootKey, Issuer: &profiles.Issuer{
			Name: "SIEGEL-CVC-G1-Root1", Kind: profiles.CVCRootCA, KeyType: sigalg.R2048, IssuedBy: "SIEGEL-CVC-G1-Root1", G1: root,
		}},
		{Key: subKey, Issuer: &profiles.Issuer{
			Name: "SIEGEL-CVC-G1-CA1", Kind: profiles.CVCSubCA, KeyType: sigalg.R2048, IssuedBy: "SIEGEL-CVC-G1-Root1", G1: sub,
			Profiles: []string{"C.SMC.AUTR_CVC.R2048"},
		}},
	}
}

// x509Issuer certifies a root (above is nil) or an SMC-B CA (gemSpec_PKI, Tab_PKI_211, Tab_PKI_212).
func x509Issuer(number int, key ca.Key, above *ca.Issuer) ca.Issuer {
	if above == nil {
		return profiledIssuer(profiles.RootCA, fmt.Sprintf("SIEGEL.RCA%d", 1+number/2), key, nil)
	}
	iss := profiledIssuer(profiles.SMCBCA, fmt.Sprintf("SIEGEL.SMCB-CA%d", number), key, above)
	iss.OCSPURL, iss.CRLURL = "http://ocsp.siegel.example/smcb", "http://crl.siegel.example/smcb.crl"
	return iss
}

// cvcIssuer certifies a CVC root (above is nil) or a sub-CA for all SMC-B profiles (gemSpec_PKI, Tab_PKI_919-02).
func cvcIssuer(name string, key ca.Key, above *ca.Issuer) ca.Issuer {
	return cvcIssuerOf("DESGX", name, key, above)
}

// cvcIssuerOf is cvcIssuer with a provider code.
func cvcIssuerOf(provider, name string, key ca.Key, above *ca.Issuer) ca.Issuer {
	iss := ca.Issuer{Key: key, Issuer: &profiles.Issuer{Name: name, Kind: profiles.CVCRootCA, KeyType: sigalg.E256, IssuedBy: name}}
	reference := must(cvc.ParseReference(provider + " 8-1-02-24"))
	body := &cvc.Body{
		CAR: reference, CHR: reference.CHR(), PublicKey: key.Public().(*brainpool.PublicKey), FlagOID: cvc.FlagsTI,
		Flags: must(cvc.ParseFlags("FFFFFFFFFFFFFF")), CED: must(cvc.ParseDate("2024-01-01")), CXD: must(cvc.ParseDate("2033-12-31")),
	}
	signer := key
	if above != nil {
		iss.Kind, iss.IssuedBy, signer = profiles.CVCSubCA, above.Name, above.Key
		iss.Profiles = []string{"C.SMC.AUTR_CVC", "C.SMC.AUTD_RPE_CVC"}
		body.CHR = must(cvc.ParseReference(provider + " 1-1-02-25")).CHR()
		body.Flags = must(cvc.ParseFlags("80FF3BDFE1FF0C"))
		body.CED, body.CXD = must(cvc.ParseDate("2025-01-01")), must(cvc.ParseDate("2032-12-31"))
	}
	octets := must(body.Encode())
	signature := must(signer.Sign(context.Background(), sigalg.ECDSASHA256, octets))
	iss.CVC = must(cvc.Parse(must(cvc.Assemble(octets, signature))))
	return iss
}

// productionHierarchy is a small hierarchy of environment production: what smallOrder needs, and a second SMC-B CA that waits to be imported.
var productionHierarchy = sync.OnceValue(func() []ca.Issuer {
	root := profiledIssuerIn(profiles.Production, profiles.RootCA, "SIEGEL.RCA9", newECKey(), nil)
	cvcTop := cvcIssuerOf("DESGL", "SIEGEL-CVC-Root9", newECKey(), nil)
	list := []ca.Issuer{root, profiledIssuerIn(profiles.Production, profiles.SMCBCA, "SIEGEL.SMCB-CA9", newECKey(), &root),
		cvcTop, cvcIssuerOf("DESGL", "SIEGEL-CVC-CA9", newECKey(), &cvcTop),
		profiledIssuerIn(profiles.Production, profiles.SMCBCA, "SIEGEL.SMCB-CA10", newECKey(), &root)}
	for _, i := range []int{1, 4} {
		list[i].OCSPURL, list[i].CRLURL = "http://ocsp.siegel.example/smcb", "http://crl.siegel.example/smcb.crl"
	}
	return list
})

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// must is for what cannot fail in a test's set-up.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
