// Package hierarchy is the folder in which a ceremony leaves the public side of the issuers for the server: one file
// issuers.yaml, and beside it one certificate file for each issuer and root. It holds no secret; the keys are in the token and are
// named here by their CKA_ID.
//
// Layout:
//
//	issuers.yaml           the File type of this package
//	log.vkey               public key of the log, the line that auditors configure (C2SP signed-note)
//	<name>.pem             X.509 certificate of an issuer or root
//	<name>.cvc             CV certificate of a CVC issuer or root, data object 7F21; the key of a root of generation 1 (RSA), which has
//	                       no certificate, data object 7F4E
package hierarchy

import (
	"bytes"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// FileName is the name of the list of issuers in the folder.
const FileName = "issuers.yaml"

// logFileName is the name of the file with the log's public key.
const logFileName = "log.vkey"

// Hierarchy is what a folder holds.
type Hierarchy struct {
	Environment profiles.Environment
	TSPID       string // two digits, first part of a card subject's serialNumber (gemSpec_PKI, Tab_PKI_109)
	Issuers     []Issuer
	Log         LogKey
}

// Issuer is an issuer or root with the place of its key.
type Issuer struct {
	profiles.Issuer
	KeyID []byte // CKA_ID of the key; nil where the key is in no token of the server

	// Destroyed is when its key was destroyed; the zero time: it was not. Only a retired issuer's is.
	Destroyed time.Time

	sealed *cvc.G1Certificate // see parseG1; nil when Load has ended
}

// LogKey is the key that signs the log's checkpoints.
type LogKey struct {
	Name  string // of the signed notes (C2SP signed-note)
	KeyID []byte // CKA_ID
	// Verifier is the public half; nil where the folder does not have it.
	Verifier *tlog.VerifierKey
}

// file is issuers.yaml.
type file struct {
	// Where the certificates are used: test or production.
	Environment string `yaml:"environment"`
	// Two digits that gematik gave the provider (gemSpec_PKI, Tab_PKI_109).
	TSPID   string      `yaml:"tsp_id"`
	Issuers []issuerRow `yaml:"issuers"`
	Log     logRow      `yaml:"log"`
}

// issuerRow is one issuer or root in issuers.yaml.
type issuerRow struct {
	// Unique name; also the name of the certificate file.
	Name string `yaml:"name"`
	// root-ca, smcb-ca, komp-ca, qes-ca, ocsp-signer, crl-signer, cvc-root-ca, cvc-ca or cvc-device-ca.
	Kind string `yaml:"kind"`
	// R2048, E256, ...
	KeyType string `yaml:"key_type"`
	// Certificate file in the same folder.
	Certificate string `yaml:"certificate"`
	// Name of the issuer above; the own name for a root.
	IssuedBy string `yaml:"issued_by"`
	// CKA_ID of the key in hex; missing where the key is in no token of the server.
	Key string `yaml:"key,omitempty"`
	// OCSP responder for certificates of this issuer.
	OCSPURL string `yaml:"ocsp_url,omitempty"`
	// CRL of this issuer, for sectors that ask for a distribution point.
	CRLURL string `yaml:"crl_url,omitempty"`
	// Profiles that the key may sign.
	Profiles []string `yaml:"profiles,omitempty"`
	// When it begins to sign for cards, for example 2027-03-01T00:00:00Z; missing: as soon as its certificate is valid. Of several issuers
	// bound to one profile, the last in the list that is in use signs, so that the next key generation can stand ready in the list.
	OrdersFrom time.Time `yaml:"orders_from,omitempty"`
	// When it was taken out of use for cards. Its responder and CRL go on. Missing: it is in use.
	Retired time.Time `yaml:"retired,omitempty"`
	// When its key was destroyed; it has neither key nor profiles any more. Missing: it was not.
	Destroyed time.Time `yaml:"key_destroyed,omitempty"`
	// The RSA key signs with RSASSA-PSS (gemSpec_Krypt, GS-A_4358); qes-ca only.
	PSS bool `yaml:"pss,omitempty"`
	// What the issuer says of itself in qualified certificates; qes-ca only.
	Qualified *qualifiedRow `yaml:"qualified,omitempty"`
}

// qualifiedRow is what a qualified provider says of itself (ETSI EN 319 412-5).
type qualifiedRow struct {
	// PKI disclosure statements, one of them in English.
	PDS []pdsRow `yaml:"pds"`
	// Years for which records are kept after a certificate has expired.
	RetentionYears int `yaml:"retention_years"`
	// Countries whose law applies in place of the European Union's, two capital letters each; missing where it applies.
	Legislation []string `yaml:"legislation,omitempty"`
	// Where the issuer's certificate is found.
	CAIssuersURL string `yaml:"ca_issuers_url,omitempty"`
}

type pdsRow struct {
	// Address, https.
	URL string `yaml:"url"`
	// Two small letters, for example en.
	Language string `yaml:"language"`
}

// logRow is the log key in issuers.yaml.
type logRow struct {
	Name string `yaml:"name"`
	// CKA_ID of the key in hex.
	Key string `yaml:"key"`
}

// Load reads a folder. It checks that every certificate parses, that its key is of the type named, and that every chain ends
// in a root of the folder with signatures that verify and terms that lie within each other; it does not look at the clock.
func Load(dir string) (*Hierarchy, error) {
	path := filepath.Join(dir, FileName)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the list of issuers: %w", err)
	}
	var f file
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	h := &Hierarchy{Environment: profiles.Environment(f.Environment), TSPID: f.TSPID}
	if h.Environment != profiles.Test && h.Environment != profiles.Production {
		return nil, fmt.Errorf("%s: environment is %q, want test or production", path, f.Environment)
	}
	if h.Log.KeyID, err = hex.DecodeString(f.Log.Key); err != nil || len(h.Log.KeyID) == 0 {
		return nil, fmt.Errorf("%s: log: key is not a CKA_ID in hex", path)
	}
	h.Log.Name = f.Log.Name
	if err := h.Log.loadVerifier(dir); err != nil {
		return nil, err
	}
	for _, row := range f.Issuers {
		iss, err := row.load(dir)
		if err != nil {
			return nil, fmt.Errorf("%s: issuer %q: %w", path, row.Name, err)
		}
		h.Issuers = append(h.Issuers, iss)
	}
	if err := h.checkChains(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return h, nil
}

// load reads one issuer and its certificate.
func (row issuerRow) load(dir string) (Issuer, error) {
	iss := Issuer{Destroyed: row.Destroyed, Issuer: profiles.Issuer{
		Name: row.Name, Kind: profiles.IssuerKind(row.Kind), IssuedBy: row.IssuedBy, OrdersFrom: row.OrdersFrom, Retired: row.Retired,
		OCSPURL: row.OCSPURL, CRLURL: row.CRLURL, Profiles: row.Profiles, PSS: row.PSS, Qualified: row.Qualified.info(),
	}}
	if err := row.checkLife(); err != nil {
		return Issuer{}, err
	}
	var err error
	if iss.KeyType, err = sigalg.ParseKeyType(row.KeyType); err != nil {
		return Issuer{}, err
	}
	if iss.KeyID, err = hex.DecodeString(row.Key); err != nil {
		return Issuer{}, errors.New("key is not a CKA_ID in hex")
	}
	raw, err := os.ReadFile(filepath.Join(dir, filepath.Base(row.Certificate)))
	if err != nil {
		return Issuer{}, fmt.Errorf("read its certificate: %w", err)
	}
	switch iss.Kind {
	case profiles.RootCA, profiles.SMCBCA, profiles.KOMPCA, profiles.QESCA, profiles.OCSPSigner, profiles.CRLSigner:
		block, _ := pem.Decode(raw)
		if block == nil || block.Type != "CERTIFICATE" {
			return Issuer{}, fmt.Errorf("%s holds no PEM certificate", row.Certificate)
		}
		iss.X509, err = pkix.ParseCertificate(block.Bytes)
	case profiles.CVCRootCA, profiles.CVCSubCA, profiles.CVCDeviceCA:
		if iss.KeyType.Generation() == sigalg.RSA {
			err = iss.parseG1(raw)
		} else {
			iss.CVC, err = cvc.Parse(raw)
		}
	default:
		return Issuer{}, fmt.Errorf("kind %q is none of root-ca, smcb-ca, komp-ca, qes-ca, ocsp-signer, crl-signer, cvc-root-ca, cvc-ca, cvc-device-ca",
			row.Kind)
	}
	if err != nil {
		return Issuer{}, fmt.Errorf("parse %s: %w", row.Certificate, err)
	}
	if iss.sealed != nil {
		return iss, nil
	}
	if have, err := sigalg.TypeOf(iss.PublicKey()); err != nil || have != iss.KeyType {
		return Issuer{}, fmt.Errorf("%s holds a key of type %s, the list says %s", row.Certificate, have, iss.KeyType)
	}
	return iss, iss.checkQualified()
}

// loadVerifier reads the public key where there is one.
func (k *LogKey) loadVerifier(dir string) error {
	path := filepath.Join(dir, logFileName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the public key of the log: %w", err)
	}
	if k.Verifier, err = tlog.ParseVerifierKey(strings.TrimSpace(string(text))); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if k.Verifier.Name() != k.Name {
		return fmt.Errorf("%s: the key is of the log %q, the list of issuers says %q", path, k.Verifier.Name(), k.Name)
	}
	return nil
}

// checkChains verifies every certificate with the one of the issuer above it.
func (h *Hierarchy) checkChains() error {
	byName := map[string]*Issuer{}
	for i := range h.Issuers {
		iss := &h.Issuers[i]
		if byName[iss.Name] != nil {
			return fmt.Errorf("two issuers are named %q", iss.Name)
		}
		byName[iss.Name] = iss
	}
	for i := range h.Issuers {
		iss := &h.Issuers[i]
		above := byName[iss.IssuedBy]
		if above == nil {
			return fmt.Errorf("issuer %q: its own issuer %q is not in the list", iss.Name, iss.IssuedBy)
		}
		// A CA of a qualified provider may be its own root: the list of the supervisory body is its anchor (Tab_PKI_215).
		isRoot := iss.Kind == profiles.RootCA || iss.Kind == profiles.CVCRootCA
		if own := above == iss; isRoot != own && (isRoot || iss.Kind != profiles.QESCA) {
			return fmt.Errorf("issuer %q: only a root is issued by itself", iss.Name)
		}
		if err := iss.checkSignatureFrom(above); err != nil {
			return fmt.Errorf("issuer %q: %w", iss.Name, err)
		}
		if err := iss.checkTermWithin(above); err != nil {
			return fmt.Errorf("issuer %q: %w", iss.Name, err)
		}
	}
	return nil
}

func (iss *Issuer) checkSignatureFrom(above *Issuer) error {
	if (iss.X509 == nil) != (above.X509 == nil) {
		return fmt.Errorf("%q has a certificate of another format", above.Name)
	}
	switch {
	case iss.X509 != nil:
		return iss.X509.CheckSignatureFrom(above.X509)
	case iss.CVC == nil:
		return iss.openG1(above)
	case above.CVC == nil:
		return fmt.Errorf("%q is of another generation", above.Name)
	}
	return iss.CVC.CheckSignatureFrom(above.CVC)
}

// checkTermWithin wants the term within that of the issuer above: the shell model of the telematics infrastructure (gemKPT_PKI_TIP,
// chapter 2.4). Generation 1 knows no terms.
func (iss *Issuer) checkTermWithin(above *Issuer) error {
	from, to, limited := iss.Validity()
	first, last, limitedAbove := above.Validity()
	if !limited || !limitedAbove || !from.Before(first) && !to.After(last) {
		return nil
	}
	return fmt.Errorf("its term from %s to %s is not within that of %q, %s to %s", from.Format(time.DateTime), to.Format(time.DateTime),
		above.Name, first.Format(time.DateTime), last.Format(time.DateTime))
}
