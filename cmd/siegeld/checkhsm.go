package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/siegel-pki/siegel/hsm"
)

// checkHSMCmd is `siegeld check-hsm`.
type checkHSMCmd struct {
	Config   string        `type:"existingfile" env:"SIEGELD_CONFIG" help:"Configuration file (YAML): examine the token that it names, and its copies." xor:"which"`
	Module   string        `type:"existingfile" placeholder:"FILE" help:"PKCS#11 module, where there is no configuration yet." xor:"which"`
	Token    string        `placeholder:"LABEL" help:"Label of the token, where the module has several."`
	PINFile  string        `name:"pin-file" type:"existingfile" placeholder:"FILE" help:"File with the user PIN; without it the PIN is asked for."`
	Reserved string        `placeholder:"TEXT" help:"Text for C_Initialize, for modules that read their parameters from it."`
	Quirks   string        `placeholder:"FAMILY" help:"Family of tokens whose quirks are kept, or a file that describes one."`
	Time     time.Duration `default:"300ms" help:"How long to count signatures, for each kind."`
	JSON     bool          `name:"json" help:"Print JSON."`
}

// Help explains the command.
func (checkHSMCmd) Help() string {
	return `Tells what a PKCS#11 module and token can do for the certificates of this program, before anyone buys one or moves to it:
mechanisms, curves, attributes of keys, signatures per second. It makes keys that end with their session, signs and verifies. Nothing
stays in the token, and one login is made. Without --config and --module it examines the token of the default configuration.

Exit codes: 0 it can do all that is required; 1 it cannot, or could not be tried; 2 flags, configuration or PIN are wrong.`
}

// errUnfit says that a token was tried and does not do.
var errUnfit = errors.New("the token cannot do all that is required")

// Run examines each token and prints what was found.
func (c *checkHSMCmd) Run(ctx context.Context, out io.Writer) (err error) {
	given := &pins{ask: askTerminal}
	defer func() { err = errors.Join(err, given.wipe()) }()
	configs, err := c.configs(ctx, given)
	if err != nil {
		return err
	}
	var all []*hsm.Examination
	fit := true
	for _, cfg := range configs {
		e, family, err := examine(ctx, cfg, c.Time)
		if err != nil {
			return err
		}
		if !c.JSON {
			if err := printExamination(out, e, family); err != nil {
				return err
			}
		}
		fit = fit && e.Fit()
		all = append(all, e)
	}
	if c.JSON {
		if err := printJSON(out, all); err != nil {
			return err
		}
	}
	if !fit {
		return errUnfit
	}
	return nil
}

// configs gives the tokens to examine.
func (c *checkHSMCmd) configs(ctx context.Context, given *pins) ([]hsm.Config, error) {
	if c.Module != "" {
		from := ""
		if c.PINFile == "" {
			from = pinPrompt
		}
		pin, err := given.source(ctx, c.PINFile, from, "the token")
		if err != nil {
			return nil, err
		}
		return []hsm.Config{{URI: tokenURI(c.Module, c.Token), PIN: pin, Sessions: 1, Reserved: c.Reserved, Quirks: c.Quirks}}, nil
	}
	cfg, err := loadConfig(c.Config, overrides{})
	if err != nil {
		return nil, err
	}
	uri, err := loadTokenURI(cfg)
	if err != nil {
		return nil, wrongConfig(err)
	}
	if err := findSoftHSM2(cfg.Token); err != nil {
		return nil, err
	}
	return cfg.tokens(ctx, uri, given)
}

// tokenURI names a token by module and label (RFC 7512).
func tokenURI(module, label string) string {
	escape := func(v string) string { return strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(v)) }
	uri := "pkcs11:"
	if label != "" {
		uri += "token=" + escape(label)
	}
	return uri + "?module-path=" + escape(module)
}

// family is what is known of the token's maker.
type family struct {
	product string
	facts   []string
}

// examine opens a token with one session and examines it.
func examine(ctx context.Context, cfg hsm.Config, d time.Duration) (_ *hsm.Examination, _ family, err error) {
	cfg.Sessions = 1
	token, err := hsm.Open(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, family{}, fmt.Errorf("open the token: %w", err)
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	e, err := token.Examine(ctx, d)
	if err != nil {
		return nil, family{}, fmt.Errorf("examine the token: %w", err)
	}
	known := family{product: token.Family().Product}
	for _, f := range token.Family().Facts {
		source := "documented: " + f.Documented
		if f.Tried != "" {
			source = "tried: " + f.Tried
		}
		known.facts = append(known.facts, strings.TrimSpace(f.Text)+" ("+source+")")
	}
	return e, known, nil
}

// printExamination writes for people.
func printExamination(out io.Writer, e *hsm.Examination, known family) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Token %q of %s, model %s, serial %s\nModule %s, %s\n\n", e.Info.Label, e.Info.Manufacturer, e.Info.Model, e.Info.Serial,
		e.Info.Module, e.Info.Library)
	w := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "\tkey\tsignature\tfor\tper second")
	for _, f := range e.Findings {
		answer, rate := "yes", fmt.Sprintf("%.0f", f.PerSecond)
		if !f.Able {
			answer, rate = "no", ""
			if f.Required {
				answer = "NO"
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", answer, f.Type, f.Scheme, f.For, rate)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, f := range e.Findings {
		for _, wrong := range f.Wrong {
			fmt.Fprintf(&b, "\n%s, %s: %s", f.Type, f.Scheme, wrong)
		}
	}
	if slices.ContainsFunc(e.Findings, func(f hsm.Finding) bool { return !f.Able }) {
		b.WriteString("\n")
	}
	b.WriteString("\n" + verdict(e) + "\n")
	if len(known.facts) > 0 {
		fmt.Fprintf(&b, "\nKnown of %s:\n", known.product)
	}
	for _, fact := range known.facts {
		fmt.Fprintf(&b, "- %s\n", fact)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// verdict sums up in one or two sentences.
func verdict(e *hsm.Examination) string {
	if e.Fit() {
		return "The token can do all that is required."
	}
	var missing []string
	for _, f := range e.Findings {
		if f.Required && !f.Able {
			missing = append(missing, f.For)
		}
	}
	text := "The token cannot do all that is required."
	if len(missing) > 0 {
		text += " It cannot sign: " + strings.Join(missing, "; ") + "."
	}
	if !e.ReadOnly {
		text += " It makes keys in read-only sessions, so that the server could make keys."
	}
	return text
}

// finding and examination are the forms in JSON.
type finding struct {
	Key        string   `json:"key"`
	Signature  string   `json:"signature"`
	For        string   `json:"for"`
	Required   bool     `json:"required"`
	Able       bool     `json:"able"`
	Wrong      []string `json:"wrong,omitempty"`
	PerSecond  float64  `json:"per_second"`
	Generation float64  `json:"generation_seconds"`
}

type examination struct {
	Label        string    `json:"label"`
	Manufacturer string    `json:"manufacturer"`
	Model        string    `json:"model"`
	Serial       string    `json:"serial"`
	Module       string    `json:"module"`
	Family       string    `json:"family"`
	Mechanisms   []string  `json:"mechanisms"`
	Fit          bool      `json:"fit"`
	ReadOnly     bool      `json:"read_only_sessions_make_no_keys"`
	Findings     []finding `json:"findings"`
}

// printJSON writes for scripts: a list, one element for each token.
func printJSON(out io.Writer, all []*hsm.Examination) error {
	list := make([]examination, len(all))
	for i, e := range all {
		list[i] = examination{Label: e.Info.Label, Manufacturer: e.Info.Manufacturer, Model: e.Info.Model, Serial: e.Info.Serial,
			Module: e.Info.Module, Family: e.Info.Family, Mechanisms: e.Info.Mechanisms, Fit: e.Fit(), ReadOnly: e.ReadOnly}
		for _, f := range e.Findings {
			list[i].Findings = append(list[i].Findings, finding{Key: f.Type.String(), Signature: f.Scheme.String(), For: f.For, Required: f.Required,
				Able: f.Able, Wrong: f.Wrong, PerSecond: f.PerSecond, Generation: f.Generation.Seconds()})
		}
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(list)
}
