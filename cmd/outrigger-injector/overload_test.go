package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// inBubble runs a test where time stands still while anybody has something to do,
// and otherwise is when the next one has.
func inBubble(t *testing.T, test func(*testing.T, *port)) {
	borrowed := httptest.NewTLSServer(http.NotFoundHandler())
	defer borrowed.Close()
	synctest.Test(t, func(t *testing.T) { test(t, openPort(t, borrowed)) })
}

// head is the head of a request for which a body of so many bytes is to come.
func head(path, kind string, length int) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: webhook\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", path, kind, length)
}

// write writes what it can.
func write(conn net.Conn, text string) { _, _ = io.WriteString(conn, text) }

// A gone is how a connection ended: with which status, "" where without a reply,
// and how long after it was opened.
type gone struct {
	Status string
	After  time.Duration
}

// await reads to a connection's end.
func await(conn net.Conn) <-chan gone {
	opened, ended := time.Now(), make(chan gone, 1)
	go func() {
		defer conn.Close()
		var g gone
		in := bufio.NewReader(conn)
		if reply, err := http.ReadResponse(in, nil); err == nil {
			g.Status = strings.TrimSpace(fmt.Sprint(reply.StatusCode, " ", reply.Header.Get("Retry-After")))
			_, _ = io.Copy(io.Discard, reply.Body)
		}
		_, _ = io.Copy(io.Discard, in)
		g.After = time.Since(opened)
		ended <- g
	}()
	return ended
}

// wantAnswers wants a client that behaves to be answered several times, and not to
// wait for anybody.
func wantAnswers(t *testing.T, p *port) {
	t.Helper()
	client, began := p.client(), time.Now()
	for range 3 * places {
		if got := ask(t, client, review("shop", 0)); got != "200" {
			t.Errorf("a client that behaves got %q, want 200", got)
		}
	}
	if waited := time.Since(began); waited != 0 {
		t.Errorf("a client that behaves waited for %s, want none", waited)
	}
	client.CloseIdleConnections()
	synctest.Wait()
}

// More slow clients than there are places, each in its own way, hold none of them,
// and are gone soon.
func TestSlowClientsHoldNoPlace(t *testing.T) {
	const kind = "application/json"
	body := review("shop", 0)
	for name, c := range map[string]struct {
		raw  bool
		send func(net.Conn)
		want gone
	}{
		"no handshake":   {raw: true, want: gone{"", 5 * time.Second}},
		"nothing at all": {send: func(net.Conn) {}, want: gone{"", 2 * time.Minute}},
		"half a head late": {
			send: func(conn net.Conn) {
				time.Sleep(time.Minute)
				write(conn, "POST /inject HTTP/1.1\r\nHost: w")
			},
			want: gone{"", 65 * time.Second},
		},
		"half a head":        {send: func(conn net.Conn) { write(conn, "POST /inject HTTP/1.1\r\nHost: w") }, want: gone{"", 5 * time.Second}},
		"a head and no body": {send: func(conn net.Conn) { write(conn, head("/inject", kind, len(body))) }, want: gone{"408", 5 * time.Second}},
		"half a body": {
			send: func(conn net.Conn) { write(conn, head("/inject", kind, len(body))+body[:len(body)/2]) },
			want: gone{"408", 5 * time.Second},
		},
		"a byte a second": {
			send: func(conn net.Conn) {
				write(conn, head("/inject", kind, len(body)))
				for i := range body {
					write(conn, body[i:i+1])
					time.Sleep(time.Second)
				}
			},
			want: gone{"408", 5 * time.Second},
		},
		"of another type":   {send: func(conn net.Conn) { write(conn, head("/inject", "text/plain", len(body))) }, want: gone{"415", 5 * time.Second}},
		"on another path":   {send: func(conn net.Conn) { write(conn, head("/other", kind, len(body))) }, want: gone{"404", 10 * time.Second}},
		"nothing after all": {send: func(conn net.Conn) { write(conn, head("/inject", kind, len(body))+body) }, want: gone{"200", 2 * time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *port) {
				var slow []<-chan gone
				var sending sync.WaitGroup
				for range 2 * places {
					conn := p.connect
					if !c.raw {
						conn = func() net.Conn { return p.connectTLS(t) }
					}
					opened := conn()
					slow = append(slow, await(opened))
					if c.send != nil {
						sending.Go(func() { c.send(opened) })
					}
				}
				synctest.Wait()
				if open := p.open.Load(); open != 2*places {
					t.Errorf("%d connections are open, want those of all slow clients, %d", open, 2*places)
				}
				wantAnswers(t, p)
				for _, ended := range slow {
					if diff := cmp.Diff(c.want, <-ended); diff != "" {
						t.Errorf("a slow client's end (-want +got):\n%s", diff)
					}
				}
				sending.Wait()
			})
		})
	}
}

// The API server opens a connection, gets another one back, and keeps the new one for later,
// up to 90 seconds: it is there then.
func TestConnectionThatIsKeptForLaterIsStillThere(t *testing.T) {
	inBubble(t, func(t *testing.T, p *port) {
		conn := p.connectTLS(t)
		ended := await(conn)
		time.Sleep(90 * time.Second)
		body := review("shop", 0)
		write(conn, head("/inject", "application/json", len(body))+body)
		if diff := cmp.Diff(gone{"200", 90*time.Second + idleTime}, <-ended); diff != "" {
			t.Errorf("its end (-want +got):\n%s", diff)
		}
	})
}

// What is said together with the last of the handshake is bounded as if it came later.
func TestFirstRequestMayComeWithTheHandshake(t *testing.T) {
	const kind = "application/json"
	body := review("shop", 0)
	for name, c := range map[string]struct {
		first string
		want  gone
	}{
		"half a head":        {"POST /inject HTTP/1.1\r\nHost: w", gone{"", 2 * time.Minute}},
		"a head and no body": {head("/inject", kind, len(body)), gone{"408", 5 * time.Second}},
		"a request":          {head("/inject", kind, len(body)) + body, gone{"200", 2 * time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *port) {
				if diff := cmp.Diff(c.want, <-await(p.connectSaying(t, c.first))); diff != "" {
					t.Errorf("its end (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A connection whose one request came with its handshake is idle once that is answered, so
// that a server that stops need not wait for it.
func TestNobodyWaitsForAConnectionThatIsIdle(t *testing.T) {
	inBubble(t, func(t *testing.T, p *port) {
		body := review("shop", 0)
		ended := await(p.connectSaying(t, head("/inject", "application/json", len(body))+body))
		synctest.Wait()
		began := time.Now()
		if err := p.server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("the server waited for %s, want none", waited)
		}
		if diff := cmp.Diff(gone{"200", 0}, <-ended); diff != "" {
			t.Errorf("its end (-want +got):\n%s", diff)
		}
	})
}

func TestClientsThatDoNotReadHoldNoPlace(t *testing.T) {
	inBubble(t, func(t *testing.T, p *port) {
		body := review("shop", 0)
		for range 2 * places {
			conn := p.connectTLS(t)
			defer conn.Close()
			write(conn, head("/inject", "application/json", len(body))+body)
		}
		synctest.Wait()
		wantAnswers(t, p)
		if open := p.open.Load(); open != 2*places {
			t.Errorf("%d connections are open, want those of all who do not read, %d", open, 2*places)
		}
		time.Sleep(20 * time.Second) // ten to write, and five to say goodbye
		synctest.Wait()
		if open := p.open.Load(); open != 0 {
			t.Errorf("%d connections are open in the end, want 0", open)
		}
	})
}

// Whoever asks past the bound is told so at once, and when to come again.
func TestReviewsPastTheBoundAreTurnedAwayAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, p *port) {
		client, began := p.client(), time.Now()
		defer client.CloseIdleConnections()
		greedy := make(chan string)
		for range places {
			go func() { greedy <- ask(t, client, review("busy", 0)) }()
		}
		for range places {
			<-p.busy
		}
		for range places {
			if got := ask(t, client, review("shop", 0)); got != "429 1" {
				t.Errorf("past the bound: %q, want 429 and to retry after 1", got)
			}
		}
		if shed := p.shed(t); shed != places {
			t.Errorf("%v counted, want %d", shed, places)
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited for %s, want none", waited)
		}
		close(p.free)
		for range places {
			if got := <-greedy; got != "200" {
				t.Errorf("within the bound: %q, want 200", got)
			}
		}
		wantAnswers(t, p)
	})
}

// Large reviews have room of their own to arrive in. Small ones need none.
func TestLargeBodiesDoNotFillTheMemory(t *testing.T) {
	const large, fit = 6 << 20, 5 // of six MiB each, in 32
	begin := func(conn net.Conn, length int) <-chan gone {
		ended := await(conn)
		write(conn, head("/inject", "application/json", large+1<<20)+strings.Repeat(" ", length))
		return ended
	}
	inBubble(t, func(t *testing.T, p *port) {
		client := p.client()
		defer client.CloseIdleConnections()
		var stalled []<-chan gone
		for range 4 * fit { // they only claim to be large
			stalled = append(stalled, begin(p.connectTLS(t), 100))
		}
		for range fit {
			stalled = append(stalled, begin(p.connectTLS(t), large))
		}
		synctest.Wait()
		wantAnswers(t, p)
		turnedAway := <-begin(p.connectTLS(t), large)
		if turnedAway.Status != "429 1" {
			t.Errorf("one more: %q, want 429 and to retry after 1", turnedAway.Status)
		}
		if shed := p.shed(t); shed != 1 {
			t.Errorf("%v counted, want 1", shed)
		}
		wantAnswers(t, p)
		for _, ended := range stalled {
			if diff := cmp.Diff(gone{"408", 5 * time.Second}, <-ended); diff != "" {
				t.Errorf("a stalled client's end (-want +got):\n%s", diff)
			}
		}
		for range 2 * fit {
			if got := ask(t, client, review("shop", large)); got != "200" {
				t.Errorf("after they have gone: %q, want 200", got)
			}
		}
	})
}

// A head is small. What is larger is none of the API server's.
func TestLargeHeadsAreRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, p *port) {
		conn := p.connectTLS(t)
		ended := await(conn)
		go write(conn, "POST /inject HTTP/1.1\r\nHost: webhook\r\nX: "+strings.Repeat("x", 64<<10))
		if got := <-ended; got.Status != "431" {
			t.Errorf("got %q, want 431", got.Status)
		}
	})
}
