package rpc

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/siegel-pki/siegel/ca"
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
func cardToWire(c *ca.Card, above []ca.KnownIssuer) *siegelv1.Card {
	card := &siegelv1.Card{
		Iccsn: c.ICCSN, OrderId: c.OrderID, CardType: c.CardType, Sector: c.Sector, IssuedAt: timestamppb.New(c.IssuedAt),
		EntryId: c.EntryID, Warnings: c.Warnings, Renews: c.Renews, Renewal: int32(c.Renewal),
	}
	for _, cert := range c.Certs {
		card.Certificates = append(card.Certificates, certificateToWire(cert))
	}
	for _, i := range above {
		card.Issuers = append(card.Issuers, issuerToWire(i))
	}
	return card
}

func certificateToWire(c ca.Certificate) *siegelv1.Certificate {
	return &siegelv1.Certificate{
		Slot: c.Slot, Profile: c.Profile, Format: formats[c.Format], Issuer: c.Issuer, Serial: c.Serial.String(), Chr: c.CHR,
		NotBefore: timestamppb.New(c.NotBefore), NotAfter: timestamppb.New(c.NotAfter), Data: c.Data, NoTerm: !c.HasTerm(),
	}
}

func issuerToWire(i ca.KnownIssuer) *siegelv1.IssuerCertificate {
	w := &siegelv1.IssuerCertificate{Name: i.Name, IssuedBy: i.IssuedBy, Format: siegelv1.Format_FORMAT_X509, Data: i.Certificate}
	if i.Kind.IsCVC() {
		w.Format = siegelv1.Format_FORMAT_CVC
	}
	return w
}

// summaryToWire translates one line of the list of cards.
func summaryToWire(s ca.CardSummary) *siegelv1.CardSummary {
	return &siegelv1.CardSummary{
		Iccsn: s.ICCSN, OrderId: s.OrderID, CardType: s.CardType, Sector: s.Sector, IssuedAt: timestamppb.New(s.IssuedAt),
		Certificates: int32(s.Certificates), Renews: s.Renews, Renewal: int32(s.Renewal),
	}
}
