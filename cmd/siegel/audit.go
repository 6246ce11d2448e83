package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/internal/audit"
	"github.com/siegel-pki/siegel/internal/tlog"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// auditCmd is `siegel audit`.
type auditCmd struct {
	Export      auditExportCmd      `cmd:"" help:"Export the issuance log, or a part of it, with all that is needed to verify it elsewhere. The same command goes on where it was stopped."`
	Verify      auditVerifyCmd      `cmd:"" offline:"" help:"Verify an export with the public key of the log and nothing else: every leaf, every proof, every certificate. Offline."`
	Consistency auditConsistencyCmd `cmd:"" help:"Show that the log has only grown between two exports or checkpoints."`
	Statistics  auditStatisticsCmd  `cmd:"" help:"Count cards and certificates by day, kind, sector, profile or issuer."`
	Checkpoint  auditCheckpointCmd  `cmd:"" help:"Fetch the newest signed head of the log, to compare later ones with."`
}

// defaultOperator is that of globals. What an auditor asks is asked in the name of the auditor of the test hierarchy where none is given.
const (
	defaultOperator = "line-1"
	defaultAuditor  = "auditor-1"
)

// connectAuditor is connect for LogService.
func connectAuditor(g *globals, t *terminal) (*client, error) {
	as := *g
	if as.Operator == defaultOperator {
		as.Operator = defaultAuditor
	}
	return connect(&as, t)
}

// logKeyFlag is the key of the log, for commands that open checkpoints.
type logKeyFlag struct {
	LogKey string `required:"" type:"existingfile" placeholder:"FILE" help:"Public key of the log, the one line of hierarchy/log.vkey. Get it from elsewhere than the export."`
}

func (f logKeyFlag) load() (*tlog.VerifierKey, error) {
	text, err := os.ReadFile(f.LogKey)
	if err != nil {
		return nil, usageError(err)
	}
	key, err := tlog.ParseVerifierKey(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, usageError(fmt.Errorf("%s: %w", f.LogKey, err))
	}
	return key, nil
}

// filterFlags choose entries.
type filterFlags struct {
	From     string   `placeholder:"DAY" help:"Entries of this day (YYYY-MM-DD, UTC) and later; or an instant, RFC 3339."`
	Until    string   `placeholder:"DAY" help:"Entries before this day; or before an instant."`
	Kind     []string `placeholder:"KIND" help:"Entries of these kinds, for example card-issued."`
	Issuer   []string `placeholder:"NAME" help:"Entries that name one of these issuers."`
	Profile  []string `placeholder:"NAME" help:"Entries that name a certificate of one of these profiles."`
	CardType []string `placeholder:"NAME" help:"Entries about cards of these types."`
	Sector   []string `placeholder:"NAME" help:"Entries about cards of these sectors."`
	ICCSN    []string `name:"iccsn" placeholder:"DIGITS" help:"Entries about these chips."`
}

// filter gives nil where nothing is chosen.
func (f *filterFlags) filter() (*audit.Filter, error) {
	out := &audit.Filter{Kinds: f.Kind, Issuers: f.Issuer, Profiles: f.Profile, CardTypes: f.CardType, Sectors: f.Sector, ICCSNs: f.ICCSN}
	var err error
	if out.From, err = instantText(f.From); err != nil {
		return nil, usageError(fmt.Errorf("--from: %w", err))
	}
	if out.Until, err = instantText(f.Until); err != nil {
		return nil, usageError(fmt.Errorf("--until: %w", err))
	}
	parsed, err := out.Parse()
	if err != nil {
		return nil, usageError(err)
	}
	if parsed.All() {
		return nil, nil
	}
	return out, nil
}

// instantText reads a day or an instant and writes it in RFC 3339, UTC.
func instantText(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC().Format(time.RFC3339Nano), nil
		}
	}
	return "", fmt.Errorf("%q is no day YYYY-MM-DD and no instant in RFC 3339", text)
}

// filterToWire gives nil for nil.
func filterToWire(f *audit.Filter) (*siegelv1.LogFilter, error) {
	if f == nil {
		return nil, nil
	}
	parsed, err := f.Parse()
	if err != nil {
		return nil, err
	}
	return &siegelv1.LogFilter{From: stampOrNil(parsed.From), Until: stampOrNil(parsed.Until), Kinds: f.Kinds, Issuers: f.Issuers, Profiles: f.Profiles,
		CardTypes: f.CardTypes, Sectors: f.Sectors, Iccsns: f.ICCSNs}, nil
}
