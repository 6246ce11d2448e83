package ceremony

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/internal/strictyaml"
	"github.com/siegel-pki/siegel/profiles"
)

// Hex is octets in hex.
type Hex []byte

// UnmarshalYAML reads hex digits.
func (h *Hex) UnmarshalYAML(n *yaml.Node) error {
	b, err := hex.DecodeString(n.Value)
	if err != nil || n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: %q is not hex", n.Line, n.Value)
	}
	*h = b
	return nil
}

// UnmarshalText reads hex digits.
func (h *Hex) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// MarshalText writes lower-case hex digits.
func (h Hex) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// String gives lower-case hex digits.
func (h Hex) String() string { return hex.EncodeToString(h) }

// maxFile is more than any ceremony needs, and little enough to read whole.
const maxFile = 1 << 20

// Read reads a ceremony file, and the certificates of the anchors that it names, and checks everything that can be checked on paper. The
// error names every fault with its line.
func Read(path string, set *profiles.Set) (*File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the ceremony file: %w", err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s has %d octets, which is no ceremony file", path, len(text))
	}
	return parse(path, text, set)
}

func parse(path string, text []byte, set *profiles.Set) (*File, error) {
	f := &File{path: path, sha256: sha256.Sum256(text)}
	lines, err := strictyaml.Decode(path, text, f)
	if err != nil {
		return nil, err
	}
	c := &checker{file: f, set: set, lines: lines, keys: map[string]string{}, names: map[string]string{}}
	c.check()
	return f, errors.Join(c.errs...)
}

// Resolve makes a path of the file absolute or relative to the working directory.
func (f *File) Resolve(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(f.path), path)
}

// load reads the anchor's certificate and compares it with the fingerprint that the reviewers saw.
func (a *Anchor) load(f *File) error {
	raw, err := os.ReadFile(f.Resolve(a.Certificate))
	if err != nil {
		return fmt.Errorf("read the certificate of the root: %w", err)
	}
	iss, err := ParseIssuer(a.Name, a.Kind, raw, nil)
	if err == nil {
		err = checkSelf(iss)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", a.Certificate, err)
	}
	a.issuer = *iss
	if sum := sha256.Sum256(a.issuer.Raw()); string(sum[:]) != string(a.SHA256) {
		return fmt.Errorf("%s is the certificate of SHA-256 %x, the file says %s", a.Certificate, sum, a.SHA256)
	}
	return nil
}

// checkSelf checks the signature of a root under itself. A root of generation 1 has none.
func checkSelf(iss *profiles.Issuer) error {
	switch {
	case iss.X509 != nil:
		return iss.X509.CheckSignatureFrom(iss.X509)
	case iss.CVC != nil:
		return iss.CVC.CheckIssuedBy(iss.CVC)
	}
	return nil
}

// ParseIssuer reads the certificate of a root, issuer or signer, and gives its public side. It checks nothing but the form. above is the issuer
// above, which a sub-CA of generation 1 is read with, or nil for a root.
func ParseIssuer(name string, kind profiles.IssuerKind, raw []byte, above *profiles.Issuer) (iss *profiles.Issuer, err error) {
	iss = &profiles.Issuer{Name: name, Kind: kind, IssuedBy: name}
	if above != nil {
		iss.IssuedBy = above.Name
	}
	switch {
	case !kind.IsCVC():
		iss.X509, err = onlyCertificate(raw)
	case above != nil && above.G1 != nil:
		var sealed *cvc.G1Certificate
		if sealed, err = cvc.ParseG1(raw); err == nil {
			iss.G1, err = sealed.OpenCA(above.G1)
		}
	case cvc.IsG1Root(raw):
		iss.G1, err = cvc.ParseG1Root(raw)
	default:
		iss.CVC, err = cvc.Parse(raw)
	}
	if err != nil {
		return nil, err
	}
	iss.KeyType, err = sigalg.TypeOf(iss.PublicKey())
	return iss, err
}

// Parse reads the certificate of an issuer that came back, and gives what the list of issuers says of it.
func (f *File) Parse(i *Issuer, raw []byte) (*profiles.Issuer, error) {
	iss, err := ParseIssuer(i.Name, i.Kind, raw, &f.Anchor(i.IssuedBy).issuer)
	if err != nil {
		return nil, err
	}
	iss.OCSPURL, iss.CRLURL, iss.Profiles, iss.OrdersFrom = i.OCSPURL, i.CRLURL, i.Profiles, i.OrdersFrom
	return iss, nil
}

// onlyCertificate reads a file with one X.509 certificate, PEM or DER.
func onlyCertificate(raw []byte) (*pkix.Certificate, error) {
	list, err := pkix.ParseCertificates(raw)
	if err != nil {
		return nil, err
	}
	if len(list) != 1 {
		return nil, fmt.Errorf("it holds %d certificates, want one", len(list))
	}
	return list[0], nil
}

// ReferenceOf makes the name of a CVC issuer its reference: DESGX-1-1-02-26 is "DESGX 1-1-02-26".
func ReferenceOf(name string) (cvc.Reference, error) {
	return cvc.ParseReference(strings.Replace(name, "-", " ", 1))
}

// NameOf is the name of a CVC issuer, and of its file, by its reference.
func NameOf(ref cvc.Reference) string { return strings.ReplaceAll(ref.String(), " ", "-") }
