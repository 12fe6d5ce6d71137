import Model
import Outside
import Testing

@testable import Tools

@Suite struct SnapdTests {
    let snapd = Snapd(snap: "microk8s")

    func answer(_ text: String, status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, body: Array(text.utf8))
    }

    func refusal(_ kind: String, status: Int = 400) -> HTTPResponse {
        answer(
            #"{"type":"error","status-code":\#(status),"result":{"message":"no","kind":"\#(kind)","#
                + #""value":{"change-kind":"x"}}}"#,
            status: status)
    }

    @Test("an install names channel and classic confinement, a hold lasts for ever")
    func requests() throws {
        let install = try snapd.install(channel: "1.34/stable")
        #expect(install.method == "POST")
        #expect(install.endpoint == .unix(path: "/run/snapd.socket"))
        #expect(install.target == "/v2/snaps/microk8s")
        #expect(
            String(decoding: install.body, as: UTF8.self)
                == #"{"action":"install","channel":"1.34/stable","classic":true}"#)
        #expect(
            try String(decoding: snapd.hold().body, as: UTF8.self)
                == #"{"action":"hold","hold-level":"general","time":"forever"}"#)
        #expect(
            try String(decoding: snapd.refresh(channel: "1.35/stable").body, as: UTF8.self)
                == #"{"action":"refresh","channel":"1.35/stable"}"#)
        #expect(snapd.running().target == "/v2/changes?select=in-progress&for=microk8s")
        #expect(snapd.change("42").target == "/v2/changes/42")
    }

    @Test("an accepted action answers the id of its change")
    func accepted() throws {
        let text =
            #"{"type":"async","status-code":202,"status":"Accepted","result":null,"change":"42"}"#
        let id = try snapd.started(in: answer(text, status: 202), trying: "installing")
        #expect(id == "42")
    }

    @Test("a change id that could leave its place in a path is refused")
    func badID() {
        let text = #"{"type":"async","status-code":202,"result":null,"change":"../x"}"#
        #expect(throws: Failure.self) {
            try snapd.started(in: answer(text, status: 202), trying: "installing")
        }
    }

    @Test("already installed is no error, whoever was first")
    func already() throws {
        let id = try snapd.started(in: refusal("snap-already-installed"), trying: "installing")
        #expect(id == nil)
    }

    @Test(
        "each kind of refusal has its code",
        arguments: [
            ("snap-change-conflict", Failure.Code.unavailable), ("dns-failure", .unavailable),
            ("network-timeout", .unavailable), ("snap-channel-not-available", .invalid),
            ("insufficient-disk-space", .failed), ("login-required", .unauthorized),
            ("snap-needs-classic", .unsupported), ("something-new", .failed),
        ])
    func refused(_ kind: String, _ code: Failure.Code) {
        let failure = #expect(throws: Failure.self) {
            try snapd.started(in: refusal(kind), trying: "installing microk8s")
        }
        #expect(failure?.code == code)
        #expect(failure?.message == "installing microk8s: no")
    }

    @Test("a snap that is not there is nil, one that is there tells what it tracks and its hold")
    func snap() throws {
        #expect(try snapd.snap(in: refusal("snap-not-found", status: 404)) == nil)
        let text = #"""
            {"type":"sync","status-code":200,"result":{"name":"microk8s","status":"active",
            "channel":"1.34/stable","tracking-channel":"1.33/stable","version":"v1.34.1",
            "revision":"8511","hold":"2318-01-01T00:00:00Z"}}
            """#
        let snap = try #require(try snapd.snap(in: answer(text)))
        #expect(snap.isActive)
        #expect(snap.tracked == "1.33/stable")
        #expect(snap.hold == "2318-01-01T00:00:00Z")
    }

    @Test("a change tells what it is doing, and why it failed in the words of the task's log")
    func change() throws {
        let doing = #"""
            {"type":"sync","status-code":200,"result":{"id":"42","kind":"install-snap",
            "summary":"Install","status":"Doing","ready":false,"tasks":[{"id":"1",
            "kind":"download-snap","summary":"Download snap","status":"Doing",
            "progress":{"label":"","done":77070336,"total":171023808}}]}}
            """#
        #expect(
            try snapd.change(in: answer(doing)).activity == "Download snap, 45 % of 163.1 MiB")
        let failed = #"""
            {"type":"sync","status-code":200,"result":{"id":"42","kind":"install-snap",
            "summary":"Install","status":"Error","ready":true,"err":"cannot perform",
            "tasks":[{"id":"9","kind":"run-hook","summary":"Run hook","status":"Error",
            "log":["ERROR run hook install: bad YAML"]}]}}
            """#
        let change = try snapd.change(in: answer(failed))
        #expect(!change.succeeded)
        #expect(change.reason == "ERROR run hook install: bad YAML")
    }

    @Test("an answer that is no JSON is an error with its status")
    func garbage() {
        #expect(throws: Failure.self) { try snapd.snap(in: answer("<html>", status: 502)) }
    }
}
