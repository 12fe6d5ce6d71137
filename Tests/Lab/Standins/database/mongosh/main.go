// Stand-in for mongosh in the lab: does what `connect(process.env.MONGO_URI)` and the prints after it
// would do, against the lab's stand-in of a database. It runs no JavaScript.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
)

func main() {
	words := os.Args[1:]
	if len(words) < 2 || words[len(words)-2] != "--eval" || !strings.Contains(words[len(words)-1], "MONGO_URI") {
		fmt.Fprintln(os.Stderr, "mongosh (stand-in): only --eval of a script that reads MONGO_URI")
		os.Exit(1)
	}
	report, err := look(os.Getenv("MONGO_URI"))
	if err != nil {
		report = map[string]any{"error": err.Error()}
	}
	json.NewEncoder(os.Stdout).Encode(report)
}

func look(text string) (map[string]any, error) {
	address, err := url.Parse(text)
	if err != nil || address.Host == "" {
		return nil, fmt.Errorf("Invalid connection string")
	}
	host := strings.Split(address.Host, ",")[0]
	if !strings.Contains(host, ":") {
		host += ":27017"
	}
	connection, err := net.DialTimeout("tcp", host, 5*time.Second)
	if err != nil {
		return nil, fmt.Errorf("connect ECONNREFUSED %s", host)
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(5 * time.Second))
	password, _ := address.User.Password()
	hello := map[string]string{"user": address.User.Username(), "password": password}
	if err := json.NewEncoder(connection).Encode(hello); err != nil {
		return nil, err
	}
	var report map[string]any
	err = json.NewDecoder(connection).Decode(&report)
	return report, err
}
