package lint

import (
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/zmap/zcrypto/x509"
	zlint "github.com/zmap/zlint/v3/lint"
	_ "github.com/zmap/zlint/v3/lints/etsi" // registers the lints of ETSI EN 319 412
	_ "github.com/zmap/zlint/v3/lints/rfc"  // registers the lints of RFC 5280 and its kin

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// zlintSources are the documents whose lints count. The rules of the web PKI are not even linked in: a card is no web server.
var zlintSources = zlint.SourceList{zlint.RFC5280, zlint.RFC5480, zlint.RFC8813, zlint.EtsiEsi}

// excuse says that the finding of a lint does not count for some certificates, and why.
type excuse struct {
	lint       string
	kinds      []Kind
	generation sigalg.Generation // "" for both
	reason     string
	citation   string // of the rule that wants what the lint objects to
}

// excuses lists the lints that gemSpec_PKI contradicts. Each entry must be needed: a test shows that it is.
var excuses = []excuse{
	{
		lint: "e_key_usage_and_extended_key_usage_inconsistent", kinds: []Kind{HCIAUT}, generation: sigalg.RSA,
		reason:   "the table wants keyEncipherment beside digitalSignature, and clientAuth; RFC 5280 says of the pairs only that they may be consistent",
		citation: "gemSpec_PKI, Tab_PKI_238",
	},
}

// excused tells whether a finding of the lint does not count for a draft.
func (d x509Draft) excused(name string) bool {
	typ, _ := d.keyType()
	return slices.ContainsFunc(excuses, func(e excuse) bool {
		return e.lint == name && slices.Contains(e.kinds, d.kind) && (e.generation == "" || e.generation == typ.Generation())
	})
}

// registry is the part of zlint that counts. It is fixed when the program starts, and only read afterwards.
var registry = chooseLints()

func chooseLints() zlint.Registry {
	r, err := zlint.GlobalRegistry().Filter(zlint.FilterOptions{IncludeSources: zlintSources})
	if err != nil {
		panic("lint: bad choice of lints: " + err.Error())
	}
	return r
}

// zlints are the lints that count, each as one value that serves all drafts: none of them holds or takes anything, which a test shows. So
// they need not be made and configured anew for each draft, as zlint itself does for its users.
var zlints = func() (list []appliedLint) {
	for _, l := range registry.CertificateLints().Lints() {
		list = append(list, appliedLint{l, l.Lint(), extensionOf(l.Name)})
	}
	return list
}()

// appliedLint is a lint of zlint.
type appliedLint struct {
	*zlint.CertificateLint
	check     zlint.CertificateLintInterface
	extension string // without which it does not apply; "" where that is not known
}

// extensionLints tells by their names the lints that look at one extension, and so do not apply to a draft without it; a test asks them.
// They are more than a third of all, for extensions that few or no kinds have, and each would look for its extension by text.
var extensionLints = []struct{ part, extension string }{
	{"_ext_san_", oidSubjectAltName},
	{"_ext_ian_", "2.5.29.18"},
	{"_name_constraint", "2.5.29.30"},
	{"distribution", oidCRLPoints},
	{"_policy_map_", "2.5.29.33"},
	{"_policy_constraints_", "2.5.29.36"},
	{"qcstatem", oidQCStatements},
}

func extensionOf(lint string) string {
	for _, e := range extensionLints {
		if strings.Contains(lint, e.part) {
			return e.extension
		}
	}
	return ""
}

// judge gives the result of a lint as zlint's own Execute does: what does not apply, or did not when the certificate begins, passes, and a
// lint that breaks down is a fault.
func (l *appliedLint) judge(c *x509.Certificate) (status zlint.LintStatus) {
	defer func() {
		if recover() != nil {
			status = zlint.Fatal
		}
	}()
	if !l.check.CheckApplies(c) {
		return zlint.NA
	}
	if !l.CheckEffective(c) {
		return zlint.NE
	}
	return l.check.Execute(c).Status
}

// ZLintRules names the lints of zlint that are applied, with their citations.
func ZLintRules() []Rule {
	var list []Rule
	for _, l := range zlints {
		list = append(list, Rule{Name: l.Name, Level: Error, Citation: l.Citation})
	}
	return list
}

// zlint gives the findings of zlint: errors stop the order like those of own rules, warnings go with the answer; what zlint only
// notices is left out. A draft that it cannot read, or a lint that breaks down, is an error too.
func (d x509Draft) zlint() []Finding {
	raw, err := d.standIn()
	if err != nil {
		return []Finding{{"ZLINT_READABLE", Error, "RFC 5280, Section 4.1", "stand-in for zlint: " + err.Error()}}
	}
	c, err := x509.ParseCertificate(raw)
	if err != nil {
		return []Finding{{"ZLINT_READABLE", Error, "RFC 5280, Section 4.1", "zlint cannot read the draft: " + err.Error()}}
	}
	c.SelfSigned = d.context.Issuer == nil // will be, but nobody has signed yet
	var findings []Finding
	for i := range zlints {
		l := &zlints[i]
		if l.extension != "" && !d.has(l.extension) {
			continue
		}
		status := l.judge(c)
		if status < zlint.Warn || d.excused(l.Name) {
			continue
		}
		level := Error
		if status == zlint.Warn {
			level = Warning
		}
		findings = append(findings, Finding{l.Name, level, l.Citation, "zlint: " + l.Description})
	}
	return findings
}

// standInKey is a SubjectPublicKeyInfo on P-256, the generator itself. It stands in for keys on brainpool curves, which zcrypto cannot
// read. No lint of the chosen sources compares the key with anything else in the certificate.
var standInKey = unhex("3059301306072a8648ce3d020106082a8648ce3d030107034200" +
	"046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296" +
	"4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")

// standInSignature is the ECDSA-Sig-Value of r = s = 1. Nobody verifies it.
var standInSignature = unhex("3006020101020101")

// standIn makes a certificate that zcrypto can read: the draft, octet for octet, but for a key on a brainpool curve.
func (t *tbsCertificate) standIn() ([]byte, error) {
	key := t.spki
	if typ, ok := t.keyType(); ok && typ.Generation() == sigalg.ECC {
		key = standInKey
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, len(t.raw)+64))
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(t.beforeKey)
			b.AddBytes(key)
			b.AddBytes(t.afterKey)
		})
		b.AddBytes(t.signature)
		b.AddASN1BitString(standInSignature)
	})
	return b.Bytes()
}
