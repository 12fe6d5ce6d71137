// Stand-in for the images of MicroK8s' add-ons in the lab: cluster DNS (in CoreDNS's place) and the
// hostpath provisioner, over the real Kubernetes API.
package main

import (
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: addons dns | provisioner FOLDER | mkdir PATH")
	}
	switch {
	case os.Args[1] == "mkdir" && len(os.Args) == 3:
		makeFolder(os.Args[2])
		return
	case os.Args[1] == "dns":
		go serveDNS(newAPI())
	case os.Args[1] == "provisioner" && len(os.Args) == 3:
		go provision(newAPI(), os.Args[2])
	default:
		log.Fatalf("unknown work %q", os.Args[1:])
	}
	go func() {
		http.HandleFunc("/ready", func(http.ResponseWriter, *http.Request) {})
		log.Fatal(http.ListenAndServe(":8181", nil))
	}()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
}

// makeFolder makes a folder that every user may write to, as the real provisioner does.
func makeFolder(path string) {
	if err := os.MkdirAll(path, 0o777); err != nil {
		log.Fatal(err)
	}
	if err := os.Chmod(path, 0o777); err != nil {
		log.Fatal(err)
	}
}
