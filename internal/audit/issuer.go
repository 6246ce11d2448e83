package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
)

// issuers are the issuers and roots of an export, by name. After they are loaded they do not change.
type issuers map[string]*issuer

// issuer is an issuer or root. One of the fields behind sha256 is set.
type issuer struct {
	name, file string
	sha256     string
	x509       *pkix.Certificate
	cvc        *cvc.Certificate
	g1         *cvc.G1Certificate
	g1Root     *cvc.G1CA
	opened     *cvc.G1CA // of g1, with its root's key
}

// loadIssuers reads the certificates of issuers that the manifest names, and reports those that cannot be read.
func loadIssuers(folder fs.FS, m *Manifest, r *Report) issuers {
	list := issuers{}
	for _, f := range m.Files {
		name, ok := issuerOfFile(f.Name)
		if !ok {
			continue
		}
		data, err := fs.ReadFile(folder, f.Name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the manifest has spoken
		}
		if err == nil {
			var i *issuer
			if i, err = parseIssuer(name, f.Name, data); err == nil {
				list[name] = i
			}
		}
		if err != nil {
			r.at(f.Name, 0, "the certificate of issuer %s cannot be read: %v", name, err)
		}
	}
	list.openG1()
	return list
}

func parseIssuer(name, file string, data []byte) (i *issuer, err error) {
	sum := sha256.Sum256(data)
	i = &issuer{name: name, file: file, sha256: hex.EncodeToString(sum[:])}
	switch {
	case cvc.IsG1Root(data):
		i.g1Root, err = cvc.ParseG1Root(data)
	case cvc.IsG1(data):
		i.g1, err = cvc.ParseG1(data)
	case bytes.HasPrefix(data, []byte{0x7F, 0x21}):
		i.cvc, err = cvc.Parse(data)
	default:
		i.x509, err = pkix.ParseCertificate(data)
	}
	return i, err
}

// openG1 opens the sub-CAs of generation 1, whose keys their roots hide.
func (list issuers) openG1() {
	for _, sub := range list {
		for _, root := range list {
			if sub.g1 != nil && root.g1Root != nil && sub.opened == nil {
				if ca, err := sub.g1.OpenCA(root.g1Root); err == nil {
					sub.opened = ca
				}
			}
		}
	}
}

// checkIssuedBy checks the certificate of an issuer against that of the one above it, which is the issuer itself for a root.
func (i *issuer) checkIssuedBy(above *issuer) error {
	switch {
	case i.g1Root != nil:
		return nil // it is a bare key, which nobody signs
	case i.x509 != nil && above.x509 != nil:
		return i.x509.CheckSignatureFrom(above.x509)
	case i.cvc != nil && above.cvc != nil:
		return i.cvc.CheckIssuedBy(above.cvc)
	case i.g1 != nil && above.g1Root != nil:
		_, err := i.g1.OpenCA(above.g1Root)
		return err
	}
	return errors.New("it and the certificate above it are of two formats")
}

// hexHash is the SHA-256 of octets as facts write it.
func hexHash(octets []byte) string {
	sum := sha256.Sum256(octets)
	return hex.EncodeToString(sum[:])
}

// differs says that a fact and what was found are not the same.
func differs(field, fact, found string) error {
	return fmt.Errorf("%s is %s in the leaf, %s in the certificate", field, orNothing(fact), orNothing(found))
}

func orNothing(s string) string {
	if s == "" {
		return "missing"
	}
	return s
}
