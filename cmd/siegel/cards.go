package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// cardCmd is `siegel card`.
type cardCmd struct {
	ICCSN string `arg:"" optional:"" name:"iccsn" help:"Serial number of the chip, 20 digits."`
	Order string `placeholder:"ID" help:"Order id, in place of the ICCSN."`
	Out   string `type:"path" placeholder:"DIR" help:"Write the certificates below DIR/ICCSN."`
}

// Run asks for the card and prints it.
func (c *cardCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	request := &siegelv1.GetCardRequest{By: &siegelv1.GetCardRequest_Iccsn{Iccsn: c.ICCSN}}
	if c.Order != "" {
		request.By = &siegelv1.GetCardRequest_OrderId{OrderId: c.Order}
	}
	if (c.ICCSN == "") == (c.Order == "") {
		return usageError(errors.New("name the card by its ICCSN or by --order"))
	}
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	answer, err := call(ctx, cl.caller, "get the card "+c.ICCSN+c.Order, func(ctx context.Context) (*siegelv1.GetCardResponse, error) {
		return cl.GetCard(ctx, request)
	})
	if err != nil {
		return err
	}
	return showCard(g, t, answer.GetCard(), c.Out)
}

// showCard prints a card and, where out is set, writes its certificates.
func showCard(g *globals, t *terminal, card *siegelv1.Card, out string) error {
	if g.JSON {
		if err := t.json(card); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(t.out, "%s  %s, %s, order %s, issued %s, entry %d\n", t.bold("card "+card.GetIccsn()), card.GetCardType(),
			card.GetSector(), card.GetOrderId(), card.GetIssuedAt().AsTime().Format(time.RFC3339), card.GetEntryId())
		t.table(cardRows(card), "OCTETS")
		t.warn(card.GetWarnings())
	}
	if out == "" {
		return nil
	}
	dir, err := writeCard(out, card)
	if err != nil {
		return usageError(err)
	}
	fmt.Fprintf(t.err, "written to %s\n", dir)
	return nil
}

func cardRows(card *siegelv1.Card) [][]string {
	rows := [][]string{{"SLOT", "ISSUER", "SERIAL OR CHR", "FROM", "UNTIL", "OCTETS"}}
	for _, c := range card.GetCertificates() {
		rows = append(rows, []string{c.GetSlot(), c.GetIssuer(), c.GetSerial() + c.GetChr(), firstDay(c), lastDay(c),
			strconv.Itoa(len(c.GetData()))})
	}
	for _, i := range card.GetIssuers() {
		rows = append(rows, []string{i.GetName(), i.GetIssuedBy(), "", "", "", strconv.Itoa(len(i.GetData()))})
	}
	return rows
}

// dated is a certificate, planned or issued.
type dated interface {
	GetNotBefore() *timestamppb.Timestamp
	GetNotAfter() *timestamppb.Timestamp
	GetNoTerm() bool
}

// noDate stands for a date that a certificate does not carry; the card has one.
const noDate = "no date"

func firstDay(c dated) string {
	if c.GetNoTerm() {
		return noDate
	}
	return day(c.GetNotBefore())
}

func lastDay(c dated) string {
	if c.GetNoTerm() {
		return noDate
	}
	return day(c.GetNotAfter())
}

// day writes the day of an instant, in UTC. Cards are valid for whole days.
func day(t *timestamppb.Timestamp) string { return t.AsTime().Format(time.DateOnly) }

// cardsCmd is `siegel cards`.
type cardsCmd struct {
	Max int `default:"0" help:"Print at most this many; 0 prints all."`
}

// pageSize is how many cards are asked for at a time, the most that the server gives.
const pageSize = 1000

// Run prints page after page.
func (c *cardsCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	if c.Max < 0 {
		return usageError(fmt.Errorf("--max %d: give the greatest number of cards, or 0 for all", c.Max))
	}
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	request := &siegelv1.ListCardsRequest{PageSize: pageSize}
	for left := c.Max; ; {
		if c.Max > 0 {
			request.PageSize = int32(min(left, pageSize))
		}
		page, err := call(ctx, cl.caller, "list the cards", func(ctx context.Context) (*siegelv1.ListCardsResponse, error) {
			return cl.ListCards(ctx, request)
		})
		if err != nil {
			return err
		}
		if err := showCards(g, t, page); err != nil {
			return err
		}
		left -= len(page.GetCards())
		request.PageToken = page.GetNextPageToken()
		if request.PageToken == "" || c.Max > 0 && left <= 0 {
			return nil
		}
	}
}

// showCards prints a page: one line, or one JSON document, for each card.
func showCards(g *globals, t *terminal, page *siegelv1.ListCardsResponse) error {
	for _, s := range page.GetCards() {
		if g.JSON {
			if err := t.json(s); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(t.out, "%s  %s  %-14s  %-10s  %2d certificates  order %s\n", s.GetIccsn(), s.GetIssuedAt().AsTime().Format(time.RFC3339),
			s.GetCardType(), s.GetSector(), s.GetCertificates(), s.GetOrderId())
	}
	return nil
}
