package rpc

import (
	"fmt"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

var formats = map[ca.Format]siegelv1.Format{ca.X509: siegelv1.Format_FORMAT_X509, ca.CVC: siegelv1.Format_FORMAT_CVC}

// planToWire translates a plan.
func planToWire(p *ca.Plan) *siegelv1.PlanCardResponse {
	answer := &siegelv1.PlanCardResponse{Warnings: p.Warnings}
	for _, d := range p.Drafts {
		answer.Certificates = append(answer.Certificates, &siegelv1.PlannedCertificate{
			Slot: d.Slot, Profile: d.Profile, Format: formats[d.Format], Issuer: d.Issuer,
			NotBefore: timestamppb.New(d.NotBefore), NotAfter: timestamppb.New(d.NotAfter), Draft: d.Body, NoTerm: !d.HasTerm(),
		})
	}
	return answer
}

// cardToWire translates a card and adds the certificates of the issuers above it. The same card with the same issuers gives the
// same message.
func cardToWire(c *ca.Card, issuers []*profiles.Issuer) (*siegelv1.Card, error) {
	card := &siegelv1.Card{
		Iccsn: c.ICCSN, OrderId: c.OrderID, CardType: c.CardType, Sector: c.Sector, IssuedAt: timestamppb.New(c.IssuedAt),
		EntryId: c.EntryID, Warnings: c.Warnings,
	}
	var names []string
	for _, cert := range c.Certs {
		card.Certificates = append(card.Certificates, certificateToWire(cert))
		names = append(names, cert.Issuer)
	}
	above, err := chain(names, issuers)
	if err != nil {
		return nil, fmt.Errorf("card of order %q: %w", c.OrderID, err)
	}
	for _, i := range above {
		card.Issuers = append(card.Issuers, issuerToWire(i))
	}
	return card, nil
}

func certificateToWire(c ca.Certificate) *siegelv1.Certificate {
	return &siegelv1.Certificate{
		Slot: c.Slot, Profile: c.Profile, Format: formats[c.Format], Issuer: c.Issuer, Serial: c.Serial.String(), Chr: c.CHR,
		NotBefore: timestamppb.New(c.NotBefore), NotAfter: timestamppb.New(c.NotAfter), Data: c.Data, NoTerm: !c.HasTerm(),
	}
}

func issuerToWire(i *profiles.Issuer) *siegelv1.IssuerCertificate {
	w := &siegelv1.IssuerCertificate{Name: i.Name, IssuedBy: i.IssuedBy, Format: siegelv1.Format_FORMAT_CVC, Data: i.Raw()}
	if i.X509 != nil {
		w.Format = siegelv1.Format_FORMAT_X509
	}
	return w
}

// chain gives the issuers that were named and those above them, each once, level by level, so that a sub-CA stands before the
// root above it.
func chain(names []string, issuers []*profiles.Issuer) ([]*profiles.Issuer, error) {
	byName := map[string]*profiles.Issuer{}
	for _, i := range issuers {
		byName[i.Name] = i
	}
	var list []*profiles.Issuer
	seen := map[string]bool{}
	for len(names) > 0 {
		var next []string
		for _, name := range names {
			if seen[name] {
				continue
			}
			seen[name] = true
			i, ok := byName[name]
			if !ok {
				return nil, fmt.Errorf("issuer %q is not configured any more; a retired issuer keeps its certificate in the hierarchy", name)
			}
			list = append(list, i)
			next = append(next, i.IssuedBy)
		}
		names = next
	}
	return list, nil
}

// summaryToWire translates one line of the list of cards.
func summaryToWire(s ca.CardSummary) *siegelv1.CardSummary {
	return &siegelv1.CardSummary{
		Iccsn: s.ICCSN, OrderId: s.OrderID, CardType: s.CardType, Sector: s.Sector, IssuedAt: timestamppb.New(s.IssuedAt),
		Certificates: int32(s.Certificates),
	}
}
