package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/internal/hierarchy"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// x509Issuer is an issuer of the hierarchy that is being made, with its key.
type x509Issuer struct {
	hierarchy.Issuer
	key *hsm.Key
}

// makeX509 makes a root with the issuing CAs of institution cards and devices below it for each key generation (GS-A_5511, GS-A_5528),
// and the issuer of qualified certificates beside them. The number in a name counts on across key generations (GS-A_4735).
func (c *testCeremony) makeX509(ctx context.Context) error {
	for n, typ := range []sigalg.KeyType{sigalg.R2048, sigalg.E256} {
		root, err := c.makeIssuer(ctx, profiles.RootCA, fmt.Sprintf("SIEGEL.RCA%d", n+1), typ, nil)
		if err != nil {
			return err
		}
		for _, sub := range []struct {
			kind profiles.IssuerKind
			name string
		}{{profiles.SMCBCA, "SIEGEL.SMCB-CA%d"}, {profiles.KOMPCA, "SIEGEL.KOMP-CA%d"}} {
			if err := c.makeIssuingCA(ctx, sub.kind, fmt.Sprintf(sub.name, n+1), typ, root); err != nil {
				return err
			}
		}
	}
	// Qualified certificates are for cards of generation 2.0, whose keys are RSA.
	return c.makeIssuingCA(ctx, profiles.QESCA, "SIEGEL.SMCB-qCA1", sigalg.R2048, nil)
}

// makeIssuingCA makes an issuer of card certificates and the signer that answers for their status. above is nil for one that signs itself.
func (c *testCeremony) makeIssuingCA(ctx context.Context, kind profiles.IssuerKind, name string, typ sigalg.KeyType, above *x509Issuer) error {
	issuer, err := c.makeIssuer(ctx, kind, name, typ, above)
	if err != nil {
		return err
	}
	_, err = c.makeIssuer(ctx, profiles.OCSPSigner, name+"-OCSP1", typ, issuer)
	return err
}

// makeIssuer makes a key and its certificate.
func (c *testCeremony) makeIssuer(ctx context.Context, kind profiles.IssuerKind, name string, typ sigalg.KeyType, above *x509Issuer) (*x509Issuer, error) {
	profile, ok := c.catalogue.IssuerProfile(kind)
	if !ok {
		return nil, fmt.Errorf("the catalogue has no profile for issuers of kind %s", kind)
	}
	key, err := c.newKey(ctx, name, typ)
	if err != nil {
		return nil, err
	}
	i := &x509Issuer{key: key, Issuer: c.describe(kind, name, typ)}
	r := &profiles.IssuerRequest{
		Environment: profiles.Test, CommonName: name, Organization: "Siegel", PublicKey: key.Public(), PSS: i.PSS,
		NotBefore: c.start.Truncate(24 * time.Hour), OCSPURL: "http://ocsp.root-ca." + c.cmd.Host + "/ocsp",
	}
	if r.Serial, err = newSerial(); err != nil {
		return nil, err
	}
	signing := key
	if above != nil {
		r.Issuer, signing, i.IssuedBy = &above.Issuer.Issuer, above.key, above.Name
	} else if kind == profiles.QESCA {
		r.OCSPURL = "" // nobody but itself could tell its status
	}
	if i.X509, err = certify(ctx, profile, r, signing); err != nil {
		return nil, err
	}
	if kind != profiles.RootCA { // a root's key signs nothing on the server
		i.KeyID = key.ID()
	}
	c.issuers = append(c.issuers, i.Issuer)
	return i, nil
}

// describe fills in what an issuer signs and what its certificates say about it, all but its own certificate.
func (c *testCeremony) describe(kind profiles.IssuerKind, name string, typ sigalg.KeyType) hierarchy.Issuer {
	i := profiles.Issuer{Name: name, Kind: kind, KeyType: typ, IssuedBy: name, Profiles: c.catalogue.ProfilesFor(kind, typ.Generation())}
	service := map[profiles.IssuerKind]string{profiles.SMCBCA: "smcb", profiles.KOMPCA: "komp", profiles.QESCA: "qes"}[kind]
	if service == "" {
		return hierarchy.Issuer{Issuer: i}
	}
	host := service + "." + c.cmd.Host
	i.OCSPURL = "http://ocsp." + host + "/" + name
	if kind != profiles.QESCA {
		i.CRLURL = "http://crl." + host + "/" + name + ".crl"
		return hierarchy.Issuer{Issuer: i}
	}
	i.PSS = c.cmd.PSS
	i.Qualified = &profiles.QualifiedInfo{
		PDS: []pkix.PDSLocation{
			{URL: "https://www." + c.cmd.Host + "/pds/en.pdf", Language: "en"}, {URL: "https://www." + c.cmd.Host + "/pds/de.pdf", Language: "de"},
		},
		RetentionYears: c.cmd.Retention,
		CAIssuersURL:   "http://www." + host + "/" + strings.ReplaceAll(name, " ", "") + ".cer",
	}
	return hierarchy.Issuer{Issuer: i}
}
