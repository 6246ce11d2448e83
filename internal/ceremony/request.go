package ceremony

import (
	"crypto"
	"crypto/sha256"
	"encoding/asn1"
	"fmt"
	"strconv"
	"strings"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// A request to the root of X.509 certificates is a PKCS#10 request (gemSpec_X.509_TSP, Tab_PKI_521) with the name and the extensions that
// the table of the issuer's kind says.
//
// A request to the CVC root is "CVC-PKCS#10" (gemSpec_CVC_Root, TIP1-A_5252, TIP1-A_5268): a PKCS#10 request with attributes. Confirmed is
// no more than that, since only the titles of TIP1-A_5270 (generation 2), TIP1-A_5272 (attributes), TIP1-A_5273 (encoding) and TIP1-A_5367
// (object identifiers) are public. So the request is a standard PKCS#10 with the key and a proof of its possession; its subject, one
// commonName that is the CHR, is this program's choice; and attributes come from the ceremony file, where an operator who has the text fills
// them in. None is made up here. What the root puts into the certificate is for the root to set (CAR, CED, CXD, flag list: TIP1-A_5262 to
// TIP1-A_5267, GS-A_5213-02) and for returned.go to check.

// Draft is a request before it is signed with the key that it is for.
type Draft struct {
	Info    []byte // what is signed
	Scheme  sigalg.Scheme
	Subject string
	key     crypto.PublicKey
}

// DraftRequest makes the request of an issuer for its public key.
func (f *File) DraftRequest(i *Issuer, key crypto.PublicKey, set *profiles.Set) (*Draft, error) {
	info, err := f.requestInfo(i, key, set)
	if err != nil {
		return nil, err
	}
	d := &Draft{Subject: info.Subject.String(), key: key}
	if d.Info, err = info.Encode(); err != nil {
		return nil, fmt.Errorf("request of %s: %w", i.Name, err)
	}
	typ, err := sigalg.TypeOf(key)
	if err != nil {
		return nil, fmt.Errorf("request of %s: %w", i.Name, err)
	}
	d.Scheme, err = sigalg.X509Scheme(typ)
	return d, err
}

func (f *File) requestInfo(i *Issuer, key crypto.PublicKey, set *profiles.Set) (*pkix.RequestInfo, error) {
	if !i.IsCVC() {
		profile, ok := set.IssuerProfile(i.Kind)
		if !ok {
			return nil, fmt.Errorf("the catalogue has no profile for issuers of kind %s", i.Kind)
		}
		r := f.subjectOf(i.Name, i.Organization)
		r.PublicKey = key
		return profile.Request(r)
	}
	spki, err := pkix.MarshalPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("request of %s: %w", i.Name, err)
	}
	info := &pkix.RequestInfo{Subject: commonName(i.reference), PublicKey: spki}
	for _, a := range i.RequestAttributes {
		id, err := parseOID(a.ID)
		if err != nil {
			return nil, fmt.Errorf("request of %s: %w", i.Name, err)
		}
		info.Attributes = append(info.Attributes, pkix.RequestAttribute{ID: id, Value: a.Value})
	}
	return info, nil
}

// Assemble puts draft and signature together, and checks the result as the root will.
func (d *Draft) Assemble(signature []byte) (*pkix.Request, error) {
	raw, err := pkix.AssembleRequest(d.Info, d.Scheme, signature)
	if err != nil {
		return nil, err
	}
	return d.Check(raw)
}

// Check tells whether a request is the one of this draft, and gives it.
func (d *Draft) Check(raw []byte) (*pkix.Request, error) {
	r, err := pkix.ParseRequestWithAttributes(raw)
	if err != nil {
		return nil, err
	}
	if string(r.RawInfo) != string(d.Info) {
		return nil, fmt.Errorf("the request is not the one for %s and its key", d.Subject)
	}
	return r, r.CheckSignature()
}

// parseOID reads an object identifier in dotted form.
func parseOID(s string) (asn1.ObjectIdentifier, error) {
	var id asn1.ObjectIdentifier
	for part := range strings.SplitSeq(s, ".") {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("%q is no object identifier", s)
		}
		id = append(id, int(n))
	}
	if len(id) < 2 || id[0] > 2 || id[0] < 2 && id[1] > 39 {
		return nil, fmt.Errorf("%q is no object identifier", s)
	}
	return id, nil
}

// Fingerprint is the SHA-256 of a key's DER SubjectPublicKeyInfo.
func Fingerprint(key crypto.PublicKey) (Hex, error) {
	spki, err := marshalKey(key)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(spki)
	return sum[:], nil
}
