package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/keygen"
	"github.com/siegel-pki/siegel/hsm/softhsm"
	"github.com/siegel-pki/siegel/internal/hierarchy"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// testHierarchyCmd is the command of that name.
type testHierarchyCmd struct {
	Data  string `default:"data" help:"Folder that receives everything; siegeld uses it with the same flag." type:"path"`
	Token string `help:"Existing token to create the keys in, as a pkcs11: URI with module-path (RFC 7512). Without it: a throwaway SoftHSM token below the data folder."`
	PIN   string `name:"pin-file" help:"File with the user PIN of --token." type:"existingfile"`
	TSPID string `name:"tsp-id" default:"16" help:"Two digits that stand first in a card subject's serialNumber. 16 is what public test cards use."`
	Host  string `default:"siegel.example" help:"Host name in the OCSP and CRL addresses of the certificates."`
	PSS   bool   `name:"qes-pss" help:"The issuer of qualified certificates signs with RSASSA-PSS in place of PKCS #1 v1.5 (gemSpec_Krypt, GS-A_4358)."`
	// ETSI EN 319 411-1, OVR-6.4.6-01 wants seven years at least; no law says more.
	Retention int    `name:"qes-retention" default:"7" help:"Years for which records of qualified certificates are kept after they have expired."`
	Record    string `help:"File that receives the ceremony record; it is printed in any case. Default: ceremony-record.md below the data folder." type:"path"`
}

// Run creates the hierarchy and prints its record.
func (cmd *testHierarchyCmd) Run(ctx context.Context) error {
	if err := errors.Join(cmd.check(), cmd.refuseExisting()); err != nil {
		return err
	}
	file, err := cmd.createRecord()
	if err != nil {
		return err
	}
	defer file.Close()
	c := &testCeremony{cmd: cmd, start: time.Now().UTC(), progress: os.Stderr}
	if c.catalogue, err = profiles.Builtin(); err != nil {
		return err
	}
	if err := c.perform(ctx); err != nil {
		return fmt.Errorf("%w\nThe ceremony did not finish. What it created so far is not usable: remove %s and begin again", err, cmd.Data)
	}
	record := c.record() // it cannot be made again: print it whatever happens to the file
	_, printed := io.WriteString(os.Stdout, record)
	if _, err := io.WriteString(file, record); err != nil {
		return errors.Join(fmt.Errorf("write the ceremony record; it stands above: %w", err), printed)
	}
	return errors.Join(file.Close(), printed)
}

var (
	tspID = regexp.MustCompile(`^[0-9]{2}$`)
	host  = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)
)

// check looks at the flags before anything is made: what is wrong in a certificate stays wrong.
func (cmd *testHierarchyCmd) check() error {
	var errs []error
	if !tspID.MatchString(cmd.TSPID) {
		errs = append(errs, fmt.Errorf("--tsp-id is %q, want two digits (gemSpec_PKI, Tab_PKI_109)", cmd.TSPID))
	}
	if !host.MatchString(cmd.Host) {
		errs = append(errs, fmt.Errorf("--host is %q, want a host name in lower case, for example ca.example.com", cmd.Host))
	}
	if cmd.Retention < 1 || cmd.Retention > 99 {
		errs = append(errs, fmt.Errorf("--qes-retention is %d, want 1 to 99 years", cmd.Retention))
	}
	return errors.Join(errs...)
}

// createRecord makes the file of the record before any key is made, so that a ceremony is not left without its record.
func (cmd *testHierarchyCmd) createRecord() (*os.File, error) {
	if err := os.MkdirAll(cmd.Data, 0o700); err != nil {
		return nil, fmt.Errorf("create the data folder: %w", err)
	}
	path := cmd.Record
	if path == "" {
		path = filepath.Join(cmd.Data, "ceremony-record.md")
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("create the file of the ceremony record: %w", err)
	}
	return file, nil
}

// refuseExisting refuses a data folder in which a ceremony or a server has left something.
func (cmd *testHierarchyCmd) refuseExisting() error {
	for _, name := range []string{"hierarchy", "token", "tls", "operators.yaml", "siegel.db", "checkpoint"} {
		path := filepath.Join(cmd.Data, name)
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s exists: a ceremony never overwrites. Choose another --data folder, or move this one away: %w", path, fs.ErrExist)
		}
	}
	return nil
}

func isExists(err error) bool { return errors.Is(err, fs.ErrExist) || errors.Is(err, keygen.ErrExists) }

// testCeremony is one run: what it was asked for and what it has made so far.
type testCeremony struct {
	cmd       *testHierarchyCmd
	start     time.Time
	progress  io.Writer
	catalogue *profiles.Set

	token     *hsm.Token
	info      hsm.Info
	keys      []createdKey
	issuers   []hierarchy.Issuer
	log       hierarchy.LogKey
	operators []createdOperator
}

// createdKey is a key pair that this ceremony made.
type createdKey struct {
	name string
	typ  sigalg.KeyType
	key  *hsm.Key
}

// perform makes everything, in the order in which the parts need each other. The list of issuers comes last: without it
// a server does not start.
func (c *testCeremony) perform(ctx context.Context) error {
	if err := c.openToken(ctx); err != nil {
		return err
	}
	defer c.token.Close()
	for _, step := range []func(context.Context) error{c.makeX509, c.makeCVC, c.makeCVCG1, c.makeLogKey, c.makeOperators} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	h := hierarchy.Hierarchy{Environment: profiles.Test, TSPID: c.cmd.TSPID, Issuers: c.issuers, Log: c.log}
	return h.Save(filepath.Join(c.cmd.Data, "hierarchy"))
}

// openToken opens the token that was named, or makes a throwaway one.
func (c *testCeremony) openToken(ctx context.Context) error {
	config := hsm.Config{URI: c.cmd.Token, ReadWrite: true, Sessions: 1}
	if c.cmd.PIN != "" {
		config.PIN = hsm.PINFromFile(c.cmd.PIN)
	}
	if c.cmd.Token == "" {
		c.say("making a throwaway SoftHSM token")
		soft, err := softhsm.New(filepath.Join(c.cmd.Data, "token"), "siegel-test")
		if err != nil {
			return fmt.Errorf("make a SoftHSM token: %w", err)
		}
		if err := soft.Use(); err != nil {
			return fmt.Errorf("use the SoftHSM token: %w", err)
		}
		config.URI = soft.URI()
		uri := filepath.Join(c.cmd.Data, "token", "uri")
		if err := os.WriteFile(uri, []byte(soft.URI()+"\n"), 0o600); err != nil {
			return fmt.Errorf("write the token's URI for the server: %w", err)
		}
	}
	var err error
	if c.token, err = hsm.Open(ctx, config, slog.New(slog.DiscardHandler)); err != nil {
		return fmt.Errorf("open the token: %w", err)
	}
	c.info = c.token.Info()
	return nil
}

// newKey creates a key pair under a random CKA_ID.
func (c *testCeremony) newKey(ctx context.Context, name string, typ sigalg.KeyType) (*hsm.Key, error) {
	c.say("creating key %s (%s)", name, typ)
	id := make([]byte, 16)
	rand.Read(id) // never fails: crypto/rand ends the program instead
	if _, err := keygen.GenerateKey(ctx, c.token, keygen.Spec{ID: id, Label: name, Type: typ}); err != nil {
		return nil, fmt.Errorf("create key %s: %w", name, err)
	}
	key, err := c.token.Key(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("find the new key %s: %w", name, err)
	}
	c.keys = append(c.keys, createdKey{name, typ, key})
	return key, nil
}

// makeLogKey makes the key that signs the log's checkpoints.
func (c *testCeremony) makeLogKey(ctx context.Context) error {
	name := c.cmd.Host + "/log"
	key, err := c.newKey(ctx, name, sigalg.Ed25519)
	if err != nil {
		return err
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return fmt.Errorf("key %s is %T, want Ed25519", name, key.Public())
	}
	verifier, err := tlog.NewVerifierKey(name, public)
	if err != nil {
		return err
	}
	c.log = hierarchy.LogKey{Name: name, KeyID: key.ID(), Verifier: verifier}
	return nil
}

func (c *testCeremony) say(format string, args ...any) {
	fmt.Fprintf(c.progress, "siegel-ceremony: "+format+"\n", args...)
}
