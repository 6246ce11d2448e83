package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/rig"
	"github.com/siegel-pki/siegel/internal/store/postgres/pgtest"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// The story of this file is docs/backup.md: cards are issued, the database is backed up while the server works, more cards are issued, the
// database is backed up again after the server has died. Whoever restores the older backup is told so, and nothing is signed; with the
// newer one everything that was acknowledged is there, and the log goes on.

// backups saves and restores the database of one store.
type backups interface {
	save(t *testing.T, name string)
	restore(t *testing.T, name string) // of servers that are not running
	flags() []string                   // of servers
}

func TestBackupSQLite(t *testing.T) {
	r := newRig(t)
	backupStory(t, r, sqliteBackups{r, t.TempDir()})
}

// sqliteBackups are files that siegeld backup makes.
type sqliteBackups struct {
	r   *rig.Rig
	dir string
}

func (b sqliteBackups) flags() []string { return nil }

func (b sqliteBackups) save(t *testing.T, name string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "siegeld"), "backup", filepath.Join(b.dir, name), "--data", b.r.Data).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "leaves of the log") {
		t.Fatalf("siegeld backup: %v, said %s", err, out)
	}
	t.Logf("%s", out)
}

func (b sqliteBackups) restore(t *testing.T, name string) {
	t.Helper()
	octets, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	writeDatabase(t, b.r, octets)
}

func TestBackupPostgres(t *testing.T) {
	r := newRig(t)
	cluster, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	b := &postgresBackups{r: r, cluster: cluster, dumps: map[string][]byte{}}
	b.use(t, "siegel")
	siegeldMigrate(t, b.config, "has schema version")
	backupStory(t, r, b)
}

// postgresBackups are dumps. Each is restored into a database of its own.
type postgresBackups struct {
	r       *rig.Rig
	cluster *pgtest.Cluster
	config  string
	current string // name of the database
	dumps   map[string][]byte
}

func (b *postgresBackups) flags() []string { return []string{"--config", b.config} }

// use makes an empty database and leads servers there.
func (b *postgresBackups) use(t *testing.T, database string) {
	t.Helper()
	b.run(t, nil, "createdb", database)
	b.current = database
	b.config = writeConfig(t, b.r, strings.Replace(b.cluster.DSN(""), "/postgres?", "/"+database+"?", 1))
}

// run runs a program of PostgreSQL and gives what it writes.
func (b *postgresBackups) run(t *testing.T, input []byte, name string, args ...string) []byte {
	t.Helper()
	cmd := b.cluster.Command(name, args...)
	var out, said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, &said)
	}
	return out.Bytes()
}

func (b *postgresBackups) save(t *testing.T, name string) {
	t.Helper()
	b.dumps[name] = b.run(t, nil, "pg_dump", "--format=custom", "--dbname="+b.current)
}

func (b *postgresBackups) restore(t *testing.T, name string) {
	t.Helper()
	b.use(t, "restored_"+name)
	b.run(t, b.dumps[name], "pg_restore", "--exit-on-error", "--single-transaction", "--dbname="+b.current)
}

func backupStory(t *testing.T, r *rig.Rig, b backups) {
	t.Helper()
	a, orders := newAuditor(t, r), makeOrders(t, 8)
	serve := func() (*rig.Server, siegelv1.IssuanceServiceClient) {
		t.Helper()
		server, err := r.Start(b.flags()...)
		if err != nil {
			t.Fatal(err)
		}
		return server, dial(t, r, server, "line-1")
	}
	server, client := serve()
	a.issueIncluded(t, client, orders[0])
	b.save(t, "older") // beside a server at work
	cards := map[string][]byte{}
	for _, order := range orders[:6] {
		answer, err := issue(t.Context(), client, order)
		if err != nil {
			t.Fatal(err)
		}
		cards[order.GetOrderId()] = encode(t, answer)
	}
	a.issueIncluded(t, client, orders[6])
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	b.save(t, "newer")

	saved := readData(t, r, "checkpoint")
	b.restore(t, "older")
	if server, err := r.Start(b.flags()...); err == nil {
		stop(t, server)
		t.Fatal("the server starts on a backup that is too old")
	} else if text := err.Error(); !strings.Contains(text, "exit status 2") || !strings.Contains(text, "the log went backwards") ||
		!strings.Contains(text, "Restore a newer backup") || !strings.Contains(text, filepath.Join(r.Data, "checkpoint")) {
		t.Errorf("the server says %s, want exit code 2, what is wrong, against what, and what to do", text)
	}
	if after := readData(t, r, "checkpoint"); !bytes.Equal(after, saved) {
		t.Errorf("the saved checkpoint is %q, before it was %q", after, saved)
	}

	b.restore(t, "newer")
	server, client = serve()
	for _, order := range orders[:6] {
		if answer, err := issue(t.Context(), client, order); err != nil || !bytes.Equal(encode(t, answer), cards[order.GetOrderId()]) {
			t.Errorf("order %s after the restoration: %v, or another answer", order.GetOrderId(), err)
		}
	}
	a.issueIncluded(t, client, orders[7])
	stop(t, server)
}
