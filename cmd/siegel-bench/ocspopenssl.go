package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// opensslResponder measures `openssl ocsp`, for orientation only: it signs with its own key in software, on one core, takes one request of each
// connection, and reads the status from a file in memory that never changes. No ratio follows from it. Where it is not there, or does not do
// what it should, it is left out, with the reason.
func (b *ocspBench) opensslResponder(ctx context.Context, generation sigalg.Generation) error {
	name := "openssl-ocsp-" + strings.ToLower(string(generation))
	progress("openssl ocsp as responder with a key of generation %s, for orientation, %s", generation, b.Duration)
	result, err := b.askOpenSSL(ctx, generation)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		progress("skipped: %s: %v", name, err)
		return nil
	}
	fmt.Fprintf(b.out, "bench %s %.0f\n", name, result.perSecond())
	result.report(b.out, name)
	return nil
}

// opensslKey is how openssl makes the kind of key that signers of a generation have.
var opensslKey = map[sigalg.Generation][]string{
	sigalg.RSA: {"-newkey", "rsa:2048"},
	sigalg.ECC: {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"},
}

func (b *ocspBench) askOpenSSL(ctx context.Context, generation sigalg.Generation) (_ *loadResult, err error) {
	if _, err := exec.LookPath("openssl"); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "siegel-bench-openssl-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	key, certificate, index := filepath.Join(dir, "key.pem"), filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "index.txt")
	args := append([]string{"req", "-x509", "-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=bench"}, opensslKey[generation]...)
	if out, err := exec.CommandContext(ctx, "openssl", args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make a key: %w: %s", err, out)
	}
	questions, err := b.opensslQuestions(certificate, b.serials[string(generation)])
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(index, b.opensslIndex(b.serials[string(generation)]), 0o600); err != nil {
		return nil, err
	}
	address, stop, err := startOpenSSL(ctx, "-index", index, "-CA", certificate, "-rsigner", certificate, "-rkey", key, "-rmd", "sha256")
	if err != nil {
		return nil, err
	}
	defer stop()
	return hammerOneByOne(ctx, address, questions, b.Duration)
}

// opensslQuestions asks the responder about certificates of the issuer that it is for itself.
func (b *ocspBench) opensslQuestions(file string, serials []pkix.Serial) (list [][]byte, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("openssl made no certificate")
	}
	issuer, err := pkix.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	for _, serial := range serials {
		id, err := pkix.NewCertID(issuer, serial, crypto.SHA1)
		if err != nil {
			return nil, err
		}
		raw, err := (&pkix.OCSPRequest{IDs: []pkix.CertID{id}}).Encode()
		if err != nil {
			return nil, err
		}
		list = append(list, post(raw))
	}
	return list, nil
}

// opensslIndex is the list of valid certificates as openssl keeps it: those that are asked about, and others up to one for each card.
func (b *ocspBench) opensslIndex(serials []pkix.Serial) []byte {
	var text bytes.Buffer
	line := func(serial []byte) {
		fmt.Fprintf(&text, "V\t491231235959Z\t\t%X\tunknown\t/CN=card %X\n", serial, serial)
	}
	for _, serial := range serials {
		line(serial.Bytes())
	}
	for range b.Cards - int64(len(serials)) {
		var serial [16]byte
		rand.Read(serial[:]) // never fails
		serial[0] = serial[0]&0x7f | 0x40
		line(serial[:])
	}
	return text.Bytes()
}

// opensslStart is how long openssl may take to read its index.
const opensslStart = 30 * time.Second

// startOpenSSL starts the responder and waits until it says that it listens. To connect and see would hang it: it waits for the request of
// that connection for ever.
func startOpenSSL(ctx context.Context, args ...string) (address string, stop func(), err error) {
	free, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	_, port, err := net.SplitHostPort(free.Addr().String())
	if err := errors.Join(err, free.Close()); err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, "openssl", append([]string{"ocsp", "-port", port}, args...)...)
	out, in, err := os.Pipe()
	if err != nil {
		return "", nil, err
	}
	cmd.Stdout, cmd.Stderr = in, in
	err = cmd.Start()
	in.Close()
	if err != nil {
		out.Close()
		return "", nil, err
	}
	stop = func() {
		cmd.Process.Kill() // fails where it has ended
		cmd.Wait()         // says that it was killed, which is no news
		out.Close()
	}
	out.SetReadDeadline(time.Now().Add(opensslStart))
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "ACCEPT") || strings.Contains(lines.Text(), "waiting for OCSP client connections") {
			out.SetReadDeadline(time.Time{})
			go io.Copy(io.Discard, out) // ends with stop
			return "127.0.0.1:" + port, stop, nil
		}
	}
	stop()
	return "", nil, fmt.Errorf("it does not say that it listens: %w", errors.Join(lines.Err(), io.ErrUnexpectedEOF))
}

// oneByOneTime is how long a question by itself may take.
const oneByOneTime = 5 * time.Second

// hammerOneByOne is hammer for a responder that takes one question of each connection.
func hammerOneByOne(ctx context.Context, address string, questions [][]byte, d time.Duration) (*loadResult, error) {
	parts := make([]loadResult, 2)
	group, ctx := errgroup.WithContext(ctx)
	begin, before := time.Now(), useOfCPU()
	for n := range parts {
		group.Go(func() error {
			for i := n; time.Since(begin) < d && ctx.Err() == nil; i += len(parts) {
				at := time.Now()
				a, err := newAsker(ctx, address)
				if err != nil {
					return err
				}
				a.conn.SetDeadline(at.Add(oneByOneTime)) // where it fails, so does ask
				signed, err := a.ask(questions[i%len(questions)])
				if err := errors.Join(err, a.conn.Close()); err != nil {
					return err
				}
				parts[n].note(signed, time.Since(at))
			}
			return nil
		})
	}
	err := group.Wait()
	all := join(parts, time.Since(begin), useOfCPU().since(before))
	if err == nil && all.errors > 0 {
		err = fmt.Errorf("%d of %d answers are errors", all.errors, len(all.latencies))
	}
	return all, err
}
