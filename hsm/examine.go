package hsm

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/miekg/pkcs11"

	"github.com/siegel-pki/siegel/hsm/internal/p11"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// Need is something that a certification authority of this project wants from a token: keys of a type that sign with a scheme.
type Need struct {
	Type     sigalg.KeyType
	Scheme   sigalg.Scheme
	For      string // what it is good for
	Required bool   // without it some card type cannot be issued, or no log be kept
}

// needs are those of the card types and of the log, in the order in which a person wants to read them.
var needs = []Need{
	{sigalg.R2048, sigalg.RSAPKCS1SHA256, "X.509 certificates of the key generation RSA", true},
	{sigalg.E256, sigalg.ECDSASHA256, "X.509 and CV certificates of the key generation ECC", true},
	{sigalg.R2048, sigalg.ISO9796SHA256, "CV certificates of generation 1 (message recovery, ISO/IEC 9796-2)", true},
	{sigalg.Ed25519, sigalg.PureEd25519, "checkpoints of the log", true},
	{sigalg.R2048, sigalg.RSAPSSSHA256, "X.509 certificates with RSASSA-PSS", false},
	{sigalg.R3072, sigalg.RSAPKCS1SHA256, "longer RSA issuers", false},
	{sigalg.E384, sigalg.ECDSASHA384, "longer ECC issuers", false},
	{sigalg.E512, sigalg.ECDSASHA512, "longer ECC issuers", false},
	{sigalg.P256, sigalg.ECDSASHA256, "certificates outside the telematics infrastructure", false},
}

// Finding is what a token made of a Need.
type Finding struct {
	Need
	Able       bool
	Wrong      []string      // why it is not able
	Departures []string      // attributes of the private key that are not as they must be
	Generation time.Duration // how long the making of the key pair took
	PerSecond  float64       // signatures per second with one session; 0 where it is not able
}

// Examination is what a token can and cannot do.
type Examination struct {
	Info     Info
	ReadOnly bool // read-only sessions make no token objects: a server cannot create keys (promise 8)
	Findings []Finding
}

// Fit tells whether the token can do everything that is required.
func (e *Examination) Fit() bool {
	return e.ReadOnly && !slices.ContainsFunc(e.Findings, func(f Finding) bool { return f.Required && !f.Able })
}

// Examine tries what the profiles need from a token: it makes key pairs that end with their session, reads their attributes, signs and
// verifies, for about d per need. Nothing stays in the token. The token must have been opened without Config.ReadWrite.
//
// What the token cannot do is in the result. An error says that it could not be tried: those of Sign.
func (t *Token) Examine(ctx context.Context, d time.Duration) (*Examination, error) {
	e := &Examination{Info: t.Info()}
	var err error
	if e.ReadOnly, err = t.keepsReadOnly(ctx); err != nil {
		return nil, fmt.Errorf("try to create a key in a read-only session: %w", err)
	}
	for _, need := range needs {
		f := Finding{Need: need}
		err := t.pool.Use(ctx, nil, func(s *p11.Session) error { return f.try(s, t, d) })
		if away, ok := errors.AsType[*Unavailable](err); ok && !lastingRefusal(err) {
			return nil, fmt.Errorf("try %s with %s: %w", need.Type, need.Scheme, away)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f.judge(err)
		e.Findings = append(e.Findings, f)
	}
	return e, nil
}

// lastingRefusal tells the return values by which tokens also say that they cannot do something.
func lastingRefusal(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && slices.Contains([]uint{pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_FUNCTION_FAILED, pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_HOST_MEMORY}, e.Code)
}

// judge sums up what was tried.
func (f *Finding) judge(err error) {
	if err != nil {
		f.Wrong = append(f.Wrong, err.Error())
	}
	if len(f.Departures) > 0 {
		f.Wrong = append(f.Wrong, "the token makes a private key that may do what it must not, or does not say: "+fmt.Sprint(f.Departures))
	}
	if f.Able = len(f.Wrong) == 0; !f.Able {
		f.PerSecond = 0
	}
}

// try makes a key pair, looks at it, checks one signature and counts others.
func (f *Finding) try(s *p11.Session, t *Token, d time.Duration) error {
	templates, err := p11.Pair{ID: []byte("siegel examination"), Label: "siegel examination", Type: f.Type}.Templates()
	if err != nil {
		return err
	}
	begin := time.Now()
	public, private, err := s.Generate(templates)
	if err != nil {
		return err
	}
	f.Generation = time.Since(begin)
	return errors.Join(f.use(s, t, d, public, private), s.Destroy(public, private))
}

func (f *Finding) use(s *p11.Session, t *Token, d time.Duration, public, private pkcs11.ObjectHandle) error {
	attributes, err := s.AttributesOf(private)
	if err != nil {
		return fmt.Errorf("read the attributes: %w", err)
	}
	f.Departures = departures(t.family, attributes, false)
	k := &Key{token: t, kind: f.Type}
	if k.public, err = s.PublicKeyOf(public); err != nil {
		return fmt.Errorf("read the public key: %w", err)
	}
	message := probe(k.public, f.Scheme)
	mechanism, data, err := k.operation(f.Scheme, message)
	if err != nil {
		return err
	}
	sign := func() ([]byte, error) {
		if err := s.SignInitWith(private, mechanism); err != nil {
			return nil, err
		}
		return s.Sign(data)
	}
	answer, err := sign()
	if err != nil {
		return err
	}
	signature, err := k.signature(answer)
	if err != nil {
		return err
	}
	if err := verifyProbe(k.public, f.Scheme, message, signature); err != nil {
		return fmt.Errorf("the signature does not verify: %w", err)
	}
	n, begin := 0, time.Now()
	for time.Since(begin) < d {
		if _, err := sign(); err != nil {
			return err
		}
		n++
	}
	if n > 0 {
		f.PerSecond = float64(n) / time.Since(begin).Seconds()
	}
	return nil
}

// probe is what an examination or a measurement signs. Message recovery wants a block that is as long as the modulus and smaller.
func probe(public crypto.PublicKey, scheme sigalg.Scheme) []byte {
	if k, ok := public.(*rsa.PublicKey); ok && scheme == sigalg.ISO9796SHA256 {
		return append(bytes.Repeat([]byte{0x6A}, k.Size()-1), 0xBC)
	}
	return []byte("examination of a token")
}

// verifyProbe checks a signature. A block of message recovery comes back when the public key opens it.
func verifyProbe(public crypto.PublicKey, scheme sigalg.Scheme, message, signature []byte) error {
	if scheme != sigalg.ISO9796SHA256 {
		return sigalg.Verify(public, scheme, message, signature)
	}
	if !bytes.Equal(open(public.(*rsa.PublicKey), signature), message) {
		return sigalg.ErrSignature
	}
	return nil
}

// keepsReadOnly tries to create a key in the token, as a server must not be able to, and removes what it could.
func (t *Token) keepsReadOnly(ctx context.Context) (bool, error) {
	templates, err := p11.Pair{ID: []byte("siegel examination"), Label: "siegel examination", Type: sigalg.R2048, Token: true}.Templates()
	if err != nil {
		return false, err
	}
	refused := false
	err = t.pool.Use(ctx, nil, func(s *p11.Session) error {
		public, private, err := s.Generate(templates)
		if err == nil {
			return s.Destroy(public, private)
		}
		e, ok := errors.AsType[*Error](err)
		refused = ok && slices.Contains([]uint{pkcs11.CKR_SESSION_READ_ONLY, pkcs11.CKR_SESSION_READ_ONLY_EXISTS, pkcs11.CKR_TOKEN_WRITE_PROTECTED}, e.Code)
		return nil
	})
	return refused, err
}
