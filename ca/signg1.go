package ca

import (
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// This file is what the door does otherwise for CV certificates of generation 1: the signature carries a part of what it covers, the token
// does no more than the exponentiation, and there is no term.

// fillG1 fixes the octets of a CV certificate of generation 1. The term is the card's: the certificate has none.
func (d *Draft) fillG1(body *cvc.G1Body, term profiles.Term) (err error) {
	d.Format, d.CHR, d.Scheme = CVC, chrText(body.CHR), sigalg.ISO9796SHA256
	d.NotBefore, d.NotAfter = term.First, term.Last
	d.Body, err = body.Message()
	return err
}

// message gives what the key is handed: the body, or the block into which the body of a certificate of generation 1 is padded.
func (d *Draft) message() ([]byte, error) {
	if d.HasTerm() {
		return d.Body, nil
	}
	return cvc.EncodeG1Block(d.Body)
}

// termG1 gives the term on record. There is none in the octets to compare it with; they must be what a card's certificate of generation
// 1 is made of, all the same.
func (d *Draft) termG1() (from, to time.Time, err error) {
	body, err := cvc.ParseG1Message(d.Body)
	if err != nil {
		return from, to, fmt.Errorf("read the draft: %w", err)
	}
	if !body.CHR.IsCard() {
		return from, to, fmt.Errorf("read the draft: %s is no card", body.CHR)
	}
	return d.NotBefore, d.NotAfter, nil
}

// openedG1 makes the certificate of what the token gave, of which the smaller of two signatures counts, opens it with the key of the
// issuer's certificate, and gives it with the message that came out.
func (iss *issuer) openedG1(d *Draft, result []byte) (raw, message []byte, err error) {
	if raw, err = cvc.AssembleG1(d.Body, result, iss.G1.PublicKey); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", sigalg.ErrSignature, err)
	}
	certificate, err := cvc.ParseG1(raw)
	if err != nil {
		return nil, nil, err
	}
	body, err := certificate.OpenCard(iss.G1)
	if err != nil {
		return nil, nil, err
	}
	message, err = body.Message()
	return raw, message, err
}
