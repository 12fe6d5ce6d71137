import Coordinator
import FoundationEssentials
import Model

/// Rollouts as tables.
enum RolloutText {
    static func status(_ status: RolloutStatus, now: Date) -> String {
        let driver =
            status.holder.map { holder in
                "coordinator: \(holder)" + (status.since.map { ", since \(age($0, now))" } ?? "")
            } ?? "coordinator: none runs"
        let rollout = status.rollout.map { summary($0, now: now) } ?? "no rollout yet"
        let held = status.held.map {
            "held: \($0.stage?.rawValue ?? "the cluster file") of rollout \($0.rollout), "
                + "\(age($0.at, now)): \($0.reason)"
        }
        return ([driver, rollout] + held).flatMap(Printable.lines).joined(separator: "\n")
    }

    static func history(_ rollouts: [Rollout], now: Date) -> String {
        let rows = rollouts.map { rollout in
            let last = rollout.stages.last
            return [
                rollout.id.rawValue, rollout.state.rawValue, age(rollout.startedAt, now),
                took(rollout.startedAt, rollout.endedAt), last?.stage.rawValue ?? "-",
                last.map { $0.failure?.message ?? $0.summary } ?? "",
            ]
        }
        return Terminal.table(
            [["ROLLOUT", "STATE", "BEGAN", "TOOK", "LAST STAGE", "DETAIL"]] + rows)
    }

    static func record(_ record: RolloutRecord, now: Date) -> String {
        let programs = record.intents.map {
            [
                "\($0.op)", $0.stage, "\($0.attempt)", took($0.startedAt, $0.endedAt),
                $0.outcome ?? "no end known",
            ]
        }
        return [
            summary(record.rollout, now: now), "",
            Terminal.table([["PROGRAM", "STAGE", "ATTEMPT", "TOOK", "OUTCOME"]] + programs), "",
            EventLines.heading,
        ].joined(separator: "\n")
            + record.events.map { "\n" + EventLines.line($0, now: now) }.joined()
    }

    private static func summary(_ rollout: Rollout, now: Date) -> String {
        let rows = rollout.stages.map {
            [
                $0.stage.rawValue, $0.state.rawValue, took($0.startedAt, $0.endedAt),
                $0.failure?.message ?? $0.summary,
            ]
        }
        let undoes = rollout.goal?.undoes.map { ", undoes \($0)" } ?? ""
        return "rollout \(rollout.id): \(rollout.state.rawValue)\(undoes), began "
            + "\(age(rollout.startedAt, now))\n"
            + Terminal.table([["STAGE", "RESULT", "TOOK", "SUMMARY"]] + rows)
    }

    private static func age(_ date: Date, _ now: Date) -> String {
        "\(Duration.seconds(now.timeIntervalSince(date)).ageText) ago"
    }

    private static func took(_ start: Date, _ end: Date?) -> String {
        end.map { Duration.seconds($0.timeIntervalSince(start)).shortText } ?? "-"
    }
}
