// Stand-in for Rocket.Chat and its microservices in the lab: answers what a gate, a probe and a
// person's browser ask first, and keeps a real connection to NATS. It stores nothing.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Set in the image's configuration, as the real image knows its own version.
func version() string { return os.Getenv("JEEVES_LAB_VERSION") }

func main() {
	role := "rocketchat"
	if len(os.Args) > 1 {
		role = os.Args[1]
	}
	log.SetPrefix(role + ": ")
	go func() {
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
		<-stop
		os.Exit(0)
	}()
	if err := checkMongo(os.Getenv("MONGO_URL")); err != nil {
		log.Fatal(err)
	}
	bus := &bus{}
	if address := os.Getenv("TRANSPORTER"); address != "" {
		go bus.keep(strings.TrimPrefix(address, "nats://"), role)
	} else {
		bus.up.Store(true)
	}
	switch role {
	case "rocketchat":
		serve(chat(bus))
	case "ddp-streamer":
		serve(streamer(bus))
	case "account", "authorization", "presence", "stream-hub":
		select {}
	default:
		log.Fatalf("unknown role %q", role)
	}
}

func serve(handler http.Handler) {
	server := &http.Server{Addr: ":3000", Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// checkMongo refuses a URL that cannot be one, and says whether its first host answers. The lab has
// no database: nobody listening there is not an error.
func checkMongo(text string) error {
	if text == "" {
		return fmt.Errorf("MONGO_URL must be set in environment")
	}
	address, err := url.Parse(text)
	if err != nil || !strings.HasPrefix(address.Scheme, "mongodb") || address.Host == "" {
		return fmt.Errorf("MONGO_URL is not a mongodb:// URL")
	}
	host := strings.Split(address.Host, ",")[0]
	if !strings.Contains(host, ":") {
		host += ":27017"
	}
	go func() {
		connection, err := net.DialTimeout("tcp", host, 3*time.Second)
		if err != nil {
			log.Printf("database at %s: %v (the stand-in goes on without)", host, err)
			return
		}
		connection.Close()
		log.Printf("database at %s answers", host)
	}()
	return nil
}

// bus is a connection to NATS that is made again whenever it ends.
type bus struct{ up atomic.Bool }

func (b *bus) keep(address, role string) {
	for {
		err := b.talk(address, role)
		b.up.Store(false)
		log.Printf("bus at %s: %v", address, err)
		time.Sleep(2 * time.Second)
	}
}

// talk speaks NATS' text protocol: INFO, CONNECT, then PING and PONG in both directions.
func (b *bus) talk(address, role string) error {
	connection, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return err
	}
	defer connection.Close()
	lines := bufio.NewReaderSize(connection, 1<<16)
	if _, err := lines.ReadString('\n'); err != nil {
		return err
	}
	const hello = "CONNECT {\"verbose\":false,\"pedantic\":false,\"name\":%q}\r\nPING\r\n"
	fmt.Fprintf(connection, hello, role)
	for {
		connection.SetReadDeadline(time.Now().Add(5 * time.Minute))
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		switch {
		case strings.HasPrefix(line, "PONG"):
			b.up.Store(true)
		case strings.HasPrefix(line, "PING"):
			fmt.Fprint(connection, "PONG\r\n")
		case strings.HasPrefix(line, "-ERR"):
			return fmt.Errorf("%s", strings.TrimSpace(line))
		}
	}
}

func healthy(b *bus) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if !b.up.Load() {
			http.Error(w, "the bus is not reachable", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, "ok")
	}
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(value)
}

const page = `<!DOCTYPE html>
<html><head><title>Rocket.Chat</title>
<script>__meteor_runtime_config__ = {"meteorRelease": "stand-in of the lab"};</script></head>
<body><main id="rocket-chat"><h1>Rocket.Chat</h1>
<form action="/api/v1/login" method="post"><label>Email or username <input name="user"></label>
<label>Password <input name="password" type="password"></label><button>Login</button></form>
<p>This is the stand-in of the lab.</p></main></body></html>
`

// chat is the main application. Its own DDP endpoint answers too, as in the real one.
func chat(b *bus) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/health", "/livez", "/readyz"} {
		mux.HandleFunc(path, healthy(b))
	}
	mux.HandleFunc("/api/info", func(w http.ResponseWriter, _ *http.Request) {
		// Strangers are told major and minor only.
		parts := strings.SplitN(version(), ".", 3)
		if len(parts) > 2 {
			parts = parts[:2]
		}
		answer(w, map[string]any{"version": strings.Join(parts, "."), "success": true})
	})
	mux.HandleFunc("/api/v1/login", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		answer(w, map[string]any{"status": "error", "error": "Unauthorized", "message": "Unauthorized"})
	})
	// What reached us, for the tests of forwarded headers: the real application has no such path.
	mux.HandleFunc("/lab/request", func(w http.ResponseWriter, r *http.Request) {
		answer(w, map[string]any{"peer": r.RemoteAddr, "host": r.Host, "headers": r.Header})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, page)
	})
	addSockets(mux, "rocketchat")
	return mux
}

func streamer(b *bus) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", healthy(b))
	addSockets(mux, "ddp-streamer")
	return mux
}
