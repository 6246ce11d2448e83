package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// revocation are the flags of commands that revoke.
type revocation struct {
	Requester string    `required:"" placeholder:"WHO" help:"Who asks: holder, card-issuer, gkv-sv, gematik or provider. Who may ask for what, and for which reasons: siegel profiles revocation."`
	Reason    string    `required:"" placeholder:"WHY" help:"Why, for example lost, replaced or holder-request."`
	Reference string    `required:"" placeholder:"TEXT" help:"Where the request is filed, for example T-4711 (GS-A_4226)."`
	Requested time.Time `placeholder:"TIME" help:"When the request was accepted, for example 2026-11-24T09:00:00Z (default: now)."`
}

// revokeCmd is `siegel revoke`.
type revokeCmd struct {
	ICCSN      string `arg:"" name:"iccsn" help:"Serial number of the chip, 20 digits."`
	Slot       string `placeholder:"SLOT" help:"Revoke only the X.509 certificate in this slot, for example C.HCI.AUT.E256, and leave the card as it is."`
	revocation `embed:""`
	DryRun     bool `help:"Show what would be revoked, and revoke nothing."`
	Yes        bool `short:"y" help:"Do not ask for confirmation."`
}

// Run shows what will be revoked, asks, revokes and prints the status after that.
func (c *revokeCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	before, err := call(ctx, cl.caller, "read the status of the card "+c.ICCSN, func(ctx context.Context) (*siegelv1.GetCardStatusResponse, error) {
		return cl.GetCardStatus(ctx, &siegelv1.GetCardStatusRequest{Iccsn: c.ICCSN})
	})
	if err != nil {
		return err
	}
	what, err := c.preview(before.GetStatus())
	if err != nil {
		return err
	}
	if err := c.entitled(before.GetStatus()); err != nil {
		return err
	}
	if c.DryRun {
		fmt.Fprintf(t.err, "would revoke %s\n", what)
		return showStatus(g, t, before.GetStatus())
	}
	if !c.Yes {
		if err := t.confirm("Revoke "+what+" for ever?", "revoke"); err != nil {
			return err
		}
	}
	after, err := c.revoke(ctx, cl, before.GetStatus())
	if err != nil {
		return err
	}
	return showStatus(g, t, after)
}

// entitled tells a person before the question what the server would say after it.
func (r *revocation) entitled(s *siegelv1.CardStatus) error {
	set, err := profiles.Builtin()
	if err != nil {
		return fmt.Errorf("load the catalogue: %w", err)
	}
	var refusal *profiles.Refusal
	if _, err := set.CheckRevocation(s.GetCardType(), s.GetSector(), r.Requester, r.Reason); errors.As(err, &refusal) {
		v := refusal.Violations[0]
		return invalid(fmt.Errorf("%s: %s (%s, %s)", v.Field, v.Message, v.Rule, v.Citation))
	}
	return nil // a card type or sector that only the server knows is for the server to judge
}

// preview says what is going to be revoked.
func (c *revokeCmd) preview(s *siegelv1.CardStatus) (string, error) {
	if c.Slot == "" {
		return fmt.Sprintf("card %s (%s, %s, %s) with %s", s.GetIccsn(), s.GetCardType(), s.GetSector(), stateWord(s.GetState()),
			count(len(s.GetCertificates()), "X.509 certificate", "X.509 certificates")), nil
	}
	i := c.certificate(s)
	if i < 0 {
		if slices.ContainsFunc(s.GetNotRevocable(), func(n *siegelv1.NotRevocable) bool { return n.GetSlot() == c.Slot }) {
			return "", invalid(fmt.Errorf("%s is a CV certificate, which cannot be revoked (gemKPT_PKI_TIP, section 2.9.1)", c.Slot))
		}
		return "", invalid(fmt.Errorf("the card has no X.509 certificate in slot %s", c.Slot))
	}
	certificate := s.GetCertificates()[i]
	return fmt.Sprintf("%s of card %s (issuer %s, serial number %s, %s) alone", c.Slot, s.GetIccsn(), certificate.GetIssuer(), certificate.GetSerial(),
		stateWord(certificate.GetState())), nil
}

// certificate finds the one in the slot, -1 where there is none.
func (c *revokeCmd) certificate(s *siegelv1.CardStatus) int {
	return slices.IndexFunc(s.GetCertificates(), func(v *siegelv1.CertificateStatus) bool { return v.GetSlot() == c.Slot })
}

// revoke gives the status after the revocation.
func (c *revokeCmd) revoke(ctx context.Context, cl *client, before *siegelv1.CardStatus) (*siegelv1.CardStatus, error) {
	if c.Slot == "" {
		request := &siegelv1.RevokeCardRequest{Iccsn: c.ICCSN, Requester: c.Requester, Reason: c.Reason, Reference: c.Reference, RequestedAt: timestampOf(c.Requested)}
		answer, err := call(ctx, cl.caller, "revoke the card "+c.ICCSN, func(ctx context.Context) (*siegelv1.RevokeCardResponse, error) {
			return cl.RevokeCard(ctx, request)
		})
		return answer.GetStatus(), err
	}
	request := &siegelv1.RevokeCertificateRequest{Requester: c.Requester, Reason: c.Reason, Reference: c.Reference, RequestedAt: timestampOf(c.Requested),
		Certificate: &siegelv1.RevokeCertificateRequest_Slot{Slot: &siegelv1.CardSlot{Iccsn: c.ICCSN, Slot: c.Slot}}}
	answer, err := call(ctx, cl.caller, "revoke "+c.Slot+" of the card "+c.ICCSN, func(ctx context.Context) (*siegelv1.RevokeCertificateResponse, error) {
		return cl.RevokeCertificate(ctx, request)
	})
	if err != nil {
		return nil, err
	}
	before.Certificates[c.certificate(before)] = answer.GetStatus()
	return before, nil
}

// showStatus prints how far a card is.
func showStatus(g *globals, t *terminal, s *siegelv1.CardStatus) error {
	if g.JSON {
		return t.json(s)
	}
	fmt.Fprintf(t.out, "%s  %s, %s: %s\n", t.bold("card "+s.GetIccsn()), s.GetCardType(), s.GetSector(), t.stateColour(s.GetState()))
	if a := s.GetActivation(); a != nil {
		fmt.Fprintf(t.out, "active since %s, by %s\n", a.GetEffectiveAt().AsTime().Format(time.RFC3339), a.GetOperator())
	}
	if r := s.GetRevocation(); r != nil {
		fmt.Fprintln(t.out, "revoked "+revocationWords(r))
	}
	rows := [][]string{{"SLOT", "ISSUER", "SERIAL OR CHR", "STATUS"}}
	for _, c := range s.GetCertificates() {
		status := stateWord(c.GetState())
		if c.GetAlone() {
			status += " alone " + revocationWords(c.GetRevocation())
		}
		rows = append(rows, []string{c.GetSlot(), c.GetIssuer(), c.GetSerial(), status})
	}
	for _, c := range s.GetNotRevocable() {
		rows = append(rows, []string{c.GetSlot(), "", c.GetChr(), "cannot be revoked: ends with its term"})
	}
	t.table(rows)
	return nil
}

func revocationWords(r *siegelv1.Revocation) string {
	return fmt.Sprintf("since %s, by %s: %s, asked for by %s at %s", r.GetChange().GetEffectiveAt().AsTime().Format(time.RFC3339), r.GetChange().GetOperator(),
		r.GetReason(), r.GetRequester(), r.GetChange().GetRequestedAt().AsTime().Format(time.RFC3339))
}

// stateWord is a state as people say it.
func stateWord(s siegelv1.CardState) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "CARD_STATE_"))
}

func (t *terminal) stateColour(s siegelv1.CardState) string {
	word := stateWord(s)
	switch s {
	case siegelv1.CardState_CARD_STATE_ACTIVE:
		return t.green(word)
	case siegelv1.CardState_CARD_STATE_REVOKED:
		return t.red(word)
	}
	return t.yellow(word)
}

// confirm asks a person, who must type the word. Where nobody sits at the terminal, --yes must stand in the command.
func (t *terminal) confirm(question, word string) error {
	f, ok := t.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return usageError(errors.New("nobody can be asked for confirmation: run it at a terminal, or with --yes"))
	}
	return t.ask(question, word)
}

func (t *terminal) ask(question, word string) error {
	fmt.Fprintf(t.err, "%s Type %q: ", question, word)
	line, err := bufio.NewReader(t.in).ReadString('\n')
	if err != nil {
		return usageError(fmt.Errorf("read the answer: %w", err))
	}
	if strings.TrimSpace(line) != word {
		return usageError(errors.New("not confirmed: nothing was done"))
	}
	return nil
}
