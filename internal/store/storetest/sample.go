package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// The issuers of the sample drafts, the root above them, and others.
const (
	root      = "RCA1 TEST-ONLY"
	rsaIssuer = "SMCB-CA1 TEST-ONLY"
	eccIssuer = "SMCB-CA51 TEST-ONLY"
	cvcIssuer = "DEZGW860225"
	otherX509 = "SMCB-CA2 TEST-ONLY"
	otherCVC  = "DEZGW820225"
)

// The positions of the drafts of a sample intent.
const (
	autRSA = iota
	autECC
	autrCVC
	slots
)

// start is when the samples begin.
var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// NewIssuers gives the issuers that sample drafts name, and some more, the root above them first. Their certificates are made up.
func NewIssuers() []*ca.KnownIssuer {
	list := []*ca.KnownIssuer{NewIssuer(root, profiles.RootCA)}
	for _, name := range []string{rsaIssuer, eccIssuer, otherX509} {
		list = append(list, NewIssuer(name, profiles.SMCBCA))
	}
	return append(list, NewIssuer(cvcIssuer, profiles.CVCSubCA), NewIssuer(otherCVC, profiles.CVCSubCA))
}

// NewIssuer gives an issuer below the root of the samples.
func NewIssuer(name string, kind profiles.IssuerKind) *ca.KnownIssuer {
	return &ca.KnownIssuer{Name: name, Kind: kind, IssuedBy: root, Certificate: []byte("certificate of " + name)}
}

// AddIssuers makes the issuers of the samples known to a store, as every server does at its start before the first order.
func AddIssuers(ctx context.Context, store ca.Store) error {
	for _, issuer := range NewIssuers() {
		if err := store.AddIssuer(ctx, issuer, NewIssuerEntry(issuer)); err != nil {
			return err
		}
	}
	return nil
}

// NewIssuerEntry gives an entry about an issuer, without personal data.
func NewIssuerEntry(issuer *ca.KnownIssuer) tlog.Entry {
	return tlog.Entry{Kind: tlog.IssuerAdded, At: start, Actor: "siegeld", Facts: fmt.Appendf(nil, `{"name":%q}`, issuer.Name)}
}

// NewIntent gives the intent of try number try of order number order. It has three drafts: X.509 of an RSA and an ECC key,
// and a CV certificate. Orders have nothing in common that must be unique; tries of an order have all in common but the
// attempt's id and time and the serial numbers. Bodies are made up: no store looks into them.
func NewIntent(order, try int) *ca.Intent {
	json := fmt.Appendf(nil, `{"order_id":"order-%d","holder":"Apotheke Nummer %d"}`, order, order)
	in := &ca.Intent{
		Attempt:   ca.AttemptID(hex.EncodeToString(digest("attempt", order, try)[:16])),
		OrderID:   fmt.Sprintf("order-%d", order),
		OrderHash: sha256.Sum256(json),
		OrderJSON: json,
		ICCSN:     fmt.Sprintf("8027600101%010d", order),
		CardType:  "smcb-g2.1",
		Sector:    "hospital",
		At:        start.Add(time.Duration(try) * time.Millisecond),
		Warnings:  []string{"RSA-2048 ends soon", "this is a test"},
		Drafts:    make([]ca.Draft, slots),
	}
	in.Drafts[autRSA] = ca.Draft{Slot: "C.HCI.AUT.R2048", Profile: "c.hci.aut", Format: ca.X509, Issuer: rsaIssuer,
		Scheme: sigalg.RSAPKCS1SHA256, Serial: serial(order, try)}
	in.Drafts[autECC] = ca.Draft{Slot: "C.HCI.AUT.E256", Profile: "c.hci.aut", Format: ca.X509, Issuer: eccIssuer,
		Scheme: sigalg.ECDSASHA256, Serial: serial(order, try)}
	in.Drafts[autrCVC] = ca.Draft{Slot: "C.SMC.AUTR_CVC.E256", Profile: "c.smc.autr_cvc", Format: ca.CVC, Issuer: cvcIssuer,
		Scheme: sigalg.ECDSASHA256, CHR: "0006" + in.ICCSN}
	for i := range in.Drafts {
		d := &in.Drafts[i]
		d.NotBefore = start
		d.NotAfter = start.AddDate(5, 0, 0).Add(-time.Second)
		d.KeyHash = [32]byte(digest("key", order, i))
		d.KeyIdentity = [32]byte(digest("identity of key", order, i))
		d.Body = fmt.Appendf(nil, "body of %s in try %d of order %d", d.Slot, try, order)
	}
	return in
}

// NewRenewal gives the intent of try number try of renewal number renewal of order number order: the CV certificate alone.
func NewRenewal(order, renewal, try int) *ca.Intent {
	in := NewIntent(order, try)
	json := fmt.Appendf(nil, `{"order_id":"order-%d-%d","renews":"order-%d"}`, order, renewal, order)
	in.Renews, in.OrderID = in.OrderID, fmt.Sprintf("order-%d-%d", order, renewal)
	in.Attempt = ca.AttemptID(hex.EncodeToString(digest("attempt of renewal", order, renewal, try)[:16]))
	in.OrderJSON, in.OrderHash = json, sha256.Sum256(json)
	in.Drafts = in.Drafts[autrCVC:]
	d := &in.Drafts[0]
	d.NotBefore = start.AddDate(4, 0, renewal)
	d.NotAfter = d.NotBefore.AddDate(5, 0, 0).Add(-time.Second)
	d.Body = fmt.Appendf(nil, "body of %s in try %d of renewal %d of order %d", d.Slot, try, renewal, order)
	return in
}

// NewCompletion gives the completion of a sample intent: each body with something that stands for a signature.
func NewCompletion(in *ca.Intent) *ca.Completion {
	done := &ca.Completion{Intent: in, At: in.At.Add(1234 * time.Millisecond)}
	for _, d := range in.Drafts {
		done.Certificates = append(done.Certificates, append([]byte(strings.ToUpper(d.Slot)+" signed "), d.Body...))
	}
	return done
}

// NewEntry gives an entry of a kind about a sample intent, with personal data.
func NewEntry(kind tlog.Kind, in *ca.Intent) tlog.Entry {
	return tlog.Entry{
		Kind:     kind,
		At:       in.At,
		Actor:    "line-1",
		Facts:    fmt.Appendf(nil, `{"attempt":%q,"order_id":%q}`, in.Attempt, in.OrderID),
		Personal: fmt.Appendf(nil, `{"iccsn":%q}`, in.ICCSN),
		Salt:     digest("salt", in.Attempt)[:tlog.SaltSize],
	}
}

// serial gives a serial number of 20 octets.
func serial(of ...any) pkix.Serial {
	number := digest("serial", of...)[:pkix.MaxSerialLen]
	number[0] = number[0]&0x7f | 0x40
	s, err := pkix.NewSerial(number)
	if err != nil {
		panic("storetest: " + err.Error()) // the number above is one
	}
	return s
}

// digest gives 32 octets that differ for different arguments.
func digest(what string, of ...any) []byte {
	h := sha256.Sum256(fmt.Append([]byte(what), of...))
	return h[:]
}
