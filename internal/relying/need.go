package relying

import (
	"strings"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// Need is what a relying party asks of a certificate for one use.
type Need struct {
	Type      string                              // the certificate type; "" for a qualified certificate, which has none
	Usage     map[sigalg.Generation]pkix.KeyUsage // bits that keyUsage must hold
	Purposes  []string                            // that extKeyUsage must hold; none: the extension must be absent
	Role      string                              // professionOID of a component; "" for an institution, which must have a Telematik-ID
	Qualified string                              // type of a qualified certificate by EN 319 412-5; "" for others
}

const (
	base       = "1.2.276.0.76.4."
	clientAuth = "1.3.6.1.5.5.7.3.2"
	serverAuth = "1.3.6.1.5.5.7.3.1"
)

// needs are those of the uses in the telematics infrastructure: a Konnektor that lets a card log in, encrypts for it or checks what it
// signed; a card terminal and a Konnektor that meet.
var needs = map[string]Need{
	"C.HCI.AUT":   {Type: base + "77", Usage: both(pkix.DigitalSignature), Purposes: []string{clientAuth}},
	"C.HCI.ENC":   {Type: base + "76", Usage: split(pkix.KeyEncipherment, pkix.KeyAgreement)},
	"C.HCI.OSIG":  {Type: base + "78", Usage: both(pkix.NonRepudiation)},
	"C.HCI.QES":   {Usage: both(pkix.NonRepudiation), Qualified: "0.4.0.1862.1.6.1"},
	"C.HCI.QSEAL": {Usage: both(pkix.NonRepudiation), Qualified: "0.4.0.1862.1.6.2"},
	"C.NK.VPN":    {Type: base + "80", Usage: both(pkix.DigitalSignature), Purposes: []string{clientAuth, serverAuth}, Role: base + "104"},
	"C.AK.AUT":    {Type: base + "79", Usage: both(pkix.DigitalSignature), Purposes: []string{clientAuth, serverAuth}, Role: base + "103"},
	"C.SAK.AUT":   {Type: base + "113", Usage: both(pkix.DigitalSignature), Purposes: []string{clientAuth, serverAuth}, Role: base + "119"},
	"C.SMKT.AUT":  {Type: base + "82", Usage: both(pkix.DigitalSignature), Purposes: []string{serverAuth}, Role: base + "105"},
}

// NeedOf gives the need that the certificate in a slot must meet, for example of "C.HCI.AUT.E256" or of "C.HCI.AUT"; false where there is
// none: CV certificates, and names that are no slot.
func NeedOf(slot string) (Need, bool) {
	for _, key := range []string{"." + sigalg.R2048.String(), "." + sigalg.E256.String()} {
		slot = strings.TrimSuffix(slot, key)
	}
	need, ok := needs[slot]
	return need, ok
}

func both(u pkix.KeyUsage) map[sigalg.Generation]pkix.KeyUsage { return split(u, u) }

func split(rsa, ecc pkix.KeyUsage) map[sigalg.Generation]pkix.KeyUsage {
	return map[sigalg.Generation]pkix.KeyUsage{sigalg.RSA: rsa, sigalg.ECC: ecc}
}
