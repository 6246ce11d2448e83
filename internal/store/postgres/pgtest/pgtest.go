// Package pgtest runs throwaway PostgreSQL clusters for tests and benchmarks: initdb into a temporary directory, a server on a Unix
// socket there and nowhere else, and nothing left behind. It uses the newest PostgreSQL that is installed (Debian: package
// postgresql) and no cluster that runs already.
//
// A cluster syncs to disk like one in earnest, so that tests may crash it and look for what was acknowledged.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// startTimeout is how long a server may take to accept connections, recovery after a crash included.
const startTimeout = 60 * time.Second

// role is the superuser of a cluster. The socket's directory, which only the server's user and root can enter, is what guards it.
const role = "siegel"

// Cluster is a running PostgreSQL. Its methods may be called from any goroutine, but for Crash and Stop, which have one caller.
type Cluster struct {
	bin, dir   string
	credential *syscall.Credential // of the server's user; nil for our own
	schemas    atomic.Int64

	server *exec.Cmd
	alive  io.Closer // while it is open, the server lives
	log    *bytes.Buffer
}

// Start makes a cluster and starts it. The caller must Stop it.
func Start() (*Cluster, error) {
	c, err := create()
	if err == nil {
		err = c.run()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start a throwaway PostgreSQL: %w", err), c.Stop())
	}
	return c, nil
}

// create makes the files of a cluster.
func create() (c *Cluster, err error) {
	c = &Cluster{}
	if c.bin, err = binaries(); err != nil {
		return c, err
	}
	if c.credential, err = unprivileged(); err != nil {
		return c, err
	}
	if c.dir, err = os.MkdirTemp("", "siegel-pg-"); err != nil {
		return c, err
	}
	if c.credential != nil {
		if err := os.Chown(c.dir, int(c.credential.Uid), int(c.credential.Gid)); err != nil {
			return c, err
		}
	}
	out, err := c.command("initdb", "--pgdata", c.data(), "--username", role, "--auth", "trust", "--encoding", "UTF8", "--locale", "C").
		CombinedOutput()
	if err != nil {
		return c, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return c, nil
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// command gives a program of PostgreSQL that will run as the server's user.
func (c *Cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = "/" // the server's user need not be able to enter ours
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.credential}
	return cmd
}

// Command gives a program of PostgreSQL, for example pg_dump, that will run as the server's user and find the cluster by itself.
func (c *Cluster) Command(name string, args ...string) *exec.Cmd {
	cmd := c.command(name, args...)
	cmd.Env = append(os.Environ(), "PGHOST="+c.dir, "PGUSER="+role, "PGDATABASE=postgres")
	return cmd
}

// keeper runs its arguments until its standard input ends, which it does with our process, however that ends: a test that is killed
// leaves no server behind.
const keeper = `"$@" </dev/null & server=$!; cat >/dev/null; kill -QUIT $server 2>/dev/null; wait $server`

// run starts the server and waits until it accepts connections.
func (c *Cluster) run() error {
	cmd := c.command("postgres")
	cmd.Path = "/bin/sh"
	cmd.Args = []string{"sh", "-c", keeper, "sh", filepath.Join(c.bin, "postgres"), "-D", c.data(), "-k", c.dir,
		"-c", "listen_addresses=", "-c", "max_connections=400", "-c", "fsync=on", "-c", "log_statement=none"}
	c.log = new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = c.log, c.log
	alive, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	c.server, c.alive = cmd, alive
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		err := c.exec(ctx, "SELECT 1")
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("it does not accept connections: %w; its log:\n%s", err, c.end())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// end ends the server as a power cut would and gives its log.
func (c *Cluster) end() string {
	if c.server == nil {
		return ""
	}
	c.alive.Close()
	c.server.Wait() // says how it was killed, which is no news
	c.server = nil
	return c.log.String()
}

// Crash stops the server in immediate mode, in which it writes nothing any more and leaves recovery to the next start, and starts it
// again.
func (c *Cluster) Crash() error {
	c.end()
	if err := c.run(); err != nil {
		return fmt.Errorf("start PostgreSQL after a crash: %w", err)
	}
	return nil
}

// KillBackends kills every process of the server that serves a connection with SIGKILL. The server then ends all others, recovers and
// goes on by itself.
func (c *Cluster) KillBackends(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, c.DSN(""))
	if err != nil {
		return err
	}
	rows, err := conn.Query(ctx, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
	if err != nil {
		return err
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return err
	}
	conn.Close(ctx)
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("kill a server process: %w", err)
		}
	}
	return nil
}

// Stop ends the server and removes the cluster.
func (c *Cluster) Stop() error {
	c.end()
	if c.dir == "" {
		return nil
	}
	return os.RemoveAll(c.dir)
}

// DSN gives access as a superuser; tables without a schema are in the given one, in public where it is "".
func (c *Cluster) DSN(schema string) string {
	query := url.Values{"host": {c.dir}, "user": {role}}
	if schema != "" {
		query.Set("search_path", schema)
	}
	return (&url.URL{Scheme: "postgres", Path: "/postgres", RawQuery: query.Encode()}).String()
}

// NewSchema makes an empty schema and gives the DSN of those who work in it.
func (c *Cluster) NewSchema(ctx context.Context) (dsn string, err error) {
	name := fmt.Sprintf("test_%d", c.schemas.Add(1))
	if err := c.exec(ctx, "CREATE SCHEMA "+name); err != nil {
		return "", fmt.Errorf("make a schema: %w", err)
	}
	return c.DSN(name), nil
}

// exec runs one statement.
func (c *Cluster) exec(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, c.DSN(""))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// binaries finds the directory of the newest PostgreSQL: where Debian and Homebrew put it, or on the PATH.
func binaries() (string, error) {
	var found []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"} {
		dirs, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		found = append(found, dirs...)
	}
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, filepath.Dir(path))
	}
	for _, dir := range found {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("there is no initdb; install the package postgresql")
}

// version finds the number in the path of a directory.
func version(dir string) int {
	digits := strings.TrimFunc(filepath.Base(filepath.Dir(dir)), func(r rune) bool { return r < '0' || r > '9' })
	n, _ := strconv.Atoi(digits) // 0 where there is none
	return n
}

// unprivileged gives the user that runs the server: ourselves, but never root, as which PostgreSQL refuses to run.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
}
