package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/template"

	"github.com/siegel-pki/siegel/hsm/softhsm"
	"github.com/siegel-pki/siegel/internal/rig"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

var update = flag.Bool("update", false, "write golden files anew")

// stage is where the story of TestCeremony plays: two tokens, the folders of the ceremonies, two servers on one database.
type stage struct {
	t      *testing.T
	dir    string // folders of the ceremonies, by their names, and tokens
	data   string // of the servers
	tokens map[string]*softhsm.Token
	values stageValues

	rig     *rig.Rig
	config  string
	servers [2]server
	orderMu sync.Mutex
	orders  *rig.Orders
	next    atomic.Int64
	retries atomic.Int64
}

// stageValues fill the ceremony files in testdata/ceremony.
type stageValues struct {
	Module, OrdersFrom string
	stage              *stage
}

// Fingerprint is the SHA-256 of a root's certificate, as a reviewer would have it on paper.
func (v stageValues) Fingerprint(name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(v.stage.dir, "roots", "certificates", name))
	if block, _ := pem.Decode(text); block != nil {
		text = block.Bytes
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, dir: t.TempDir(), tokens: map[string]*softhsm.Token{}, orders: newOrders(t, true)}
	s.data = filepath.Join(s.dir, "data")
	for _, name := range []string{"root", "ca"} {
		token, err := softhsm.New(filepath.Join(s.dir, "token-"+name), name)
		if err != nil {
			t.Fatal(err)
		}
		s.tokens[name] = token
		s.values.Module = token.Module
	}
	s.values.stage = s
	return s
}

// tokenOf names the token of a ceremony. SoftHSM shows a process one folder of tokens.
func (s *stage) tokenOf(name string) *softhsm.Token {
	if name == "roots" {
		return s.tokens["root"]
	}
	return s.tokens["ca"]
}

// file writes a ceremony file from its pattern, once, and gives its path and SHA-256.
func (s *stage) file(name string) (path, sum string) {
	s.t.Helper()
	path = filepath.Join(s.dir, name+".yaml")
	if text, err := os.ReadFile(path); err == nil {
		hash := sha256.Sum256(text)
		return path, hex.EncodeToString(hash[:])
	}
	pattern, err := template.ParseFiles(filepath.Join("testdata", "ceremony", name+".yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	var text bytes.Buffer
	if err := pattern.Execute(&text, s.values); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return s.file(name)
}

// ceremony runs siegel-ceremony on the token of a ceremony and wants an exit code. It gives what was said.
func (s *stage) ceremony(name string, code int, args ...string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), filepath.Join(bin, "siegel-ceremony"), args...)
	cmd.Env = append(os.Environ(), s.tokenOf(name).Env())
	out, err := cmd.CombinedOutput()
	if got := exitCodeOf(err); got != code {
		s.t.Fatalf("siegel-ceremony %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, out)
	}
	return string(out)
}

// perform checks a ceremony file, rehearses it, which must change nothing, and performs it.
func (s *stage) perform(name string, code int, flags ...string) {
	s.t.Helper()
	path, sum := s.file(name)
	if out := s.ceremony(name, 0, "check", path); !strings.Contains(out, sum) {
		s.t.Fatalf("check does not print the SHA-256 %s:\n%s", sum, out)
	}
	args := append([]string{"run", path, "--dir", filepath.Join(s.dir, name), "--hierarchy", filepath.Join(s.data, "hierarchy")}, flags...)
	before := s.snapshot()
	s.ceremony(name, 0, append(args, "--dry-run")...)
	if after := s.snapshot(); after != before {
		s.t.Errorf("the dry run of %s changed something:\n%s\nbefore:\n%s", name, after, before)
	}
	wrong := strings.Repeat("0", 64)
	s.ceremony(name, exitFailed, append(args, "--confirm", wrong)...)
	s.ceremony(name, code, append(args, "--confirm", sum)...)
}

// snapshot lists the files of ceremonies, lists and tokens. SoftHSM touches its token files, so that of those only the names count.
func (s *stage) snapshot() string {
	s.t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if strings.Contains(path, "/token-") {
			fmt.Fprintln(&b, path)
			return nil
		}
		if !strings.Contains(path, "/data/") || strings.Contains(path, "/hierarchy/") {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "%s %x\n", path, sha256.Sum256(text))
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return b.String()
}

// signRequests lets the roots sign every request of a ceremony.
func (s *stage) signRequests(name string) {
	s.t.Helper()
	requests, err := filepath.Glob(filepath.Join(s.dir, name, "requests", "*.csr"))
	if err != nil || len(requests) == 0 {
		s.t.Fatalf("there are no requests of %s (%v)", name, err)
	}
	path, sum := s.file("roots")
	for _, request := range requests {
		issuer := strings.TrimSuffix(filepath.Base(request), ".csr")
		by := []string{"--root", "SIEGEL.RCA2", "--kind", "smcb-ca"}
		switch {
		case strings.HasPrefix(issuer, "DESGX"):
			by = []string{"--root", "DESGX-8-1-02-26", "--kind", "cvc-ca", "--sub-ca", "hba-smcb"}
		case issuer == "SIEGEL.SMCB-CA1":
			by[1] = "SIEGEL.RCA1"
		}
		args := append([]string{"sign-request", path, request, "--dir", filepath.Join(s.dir, "roots"), "--name", issuer,
			"--out", filepath.Join(s.dir, name, "returned"), "--confirm", sum}, by...)
		s.ceremony("roots", 0, args...)
		s.ceremony("roots", 0, args...) // a second time it is the same certificate
	}
}

// prepareServers makes operators, the database and the configuration.
func (s *stage) prepareServers() {
	s.t.Helper()
	s.ceremony("", 0, "test-operators", "--data", s.data)
	token := s.tokens["ca"]
	s.rig = &rig.Rig{Bin: bin, Data: s.data}
	s.config = filepath.Join(s.data, "siegeld.yaml")
	text := fmt.Sprintf("store: {postgres: %q}\ntoken: {uri: %q, pin_file: %q, softhsm2_conf: %q}\n",
		startPostgres(s.t), "pkcs11:token="+token.Label+"?module-path="+token.Module, token.PINFile(), token.Conf)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	siegeldMigrate(s.t, s.config, "has schema version")
}

func (s *stage) start(i int) {
	s.t.Helper()
	proc := startOn(s.t, s.rig, s.config)
	s.servers[i].mu.Lock()
	defer s.servers[i].mu.Unlock()
	s.servers[i].proc, s.servers[i].client = proc, dial(s.t, s.rig, proc, "line-1")
}

// restart ends a server in order and starts it on what the ceremony left. Clients get UNAVAILABLE from it meanwhile.
func (s *stage) restart(i int) {
	s.t.Helper()
	stop(s.t, s.servers[i].proc)
	s.start(i)
}

func (s *stage) stopAll() {
	for i := range s.servers {
		if s.servers[i].proc != nil {
			stop(s.t, s.servers[i].proc)
		}
	}
}

// client gives the client of the n-th server, counted round, as it stands now.
func (s *stage) client(n int) siegelv1.IssuanceServiceClient {
	p := &s.servers[n%len(s.servers)]
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.client
}

// What differs from run to run in a record.
var (
	recordTime    = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ`)
	recordDay     = regexp.MustCompile(`\b20\d\d-\d\d-\d\d\b`)
	recordHash    = regexp.MustCompile(`\b[0-9a-f]{64}\b`)
	recordSerial  = regexp.MustCompile(`\b[0-9a-f]{32}\b`)
	recordProgram = regexp.MustCompile(`siegel-ceremony [^|,]*(, [^|,]*)*, file`)
	recordToken   = regexp.MustCompile(`(?m)^(\| \S+ \| \S+ \|) [0-9a-f]{16} \| .* \|$`)
)

// normalise puts words in the place of what differs. Fingerprints are numbered in the order in which they appear first, so that it shows where
// the same one appears again.
func normalise(record string) string {
	record = recordTime.ReplaceAllString(record, "TIME")
	record = recordDay.ReplaceAllString(record, "DAY")
	record = recordProgram.ReplaceAllString(record, "PROGRAM, file")
	record = recordToken.ReplaceAllString(record, "$1 TOKEN-SERIAL | MAKER | VERSIONS | MODULE |")
	record = recordSerial.ReplaceAllString(record, "SERIAL")
	numbers := map[string]int{}
	return recordHash.ReplaceAllStringFunc(record, func(h string) string {
		if numbers[h] == 0 {
			numbers[h] = len(numbers) + 1
		}
		return fmt.Sprintf("SHA256-%d", numbers[h])
	})
}

// checkRecord compares a record with the golden file, and looks whether the page for printing says the same.
func (s *stage) checkRecord(name string) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name, "record.md"))
	if err != nil {
		s.t.Fatal(err)
	}
	got := normalise(string(text))
	golden := filepath.Join("testdata", "ceremony", name+".record.md")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		s.t.Fatal(err)
	}
	if got != string(want) {
		s.t.Errorf("the record of %s is\n%s\nwant\n%s", name, got, want)
	}
	page, err := os.ReadFile(filepath.Join(s.dir, name, "record.html"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, hash := range recordHash.FindAllString(string(text), -1) {
		if !strings.Contains(string(page), hash) {
			s.t.Errorf("the page of %s lacks the fingerprint %s", name, hash)
		}
	}
}
