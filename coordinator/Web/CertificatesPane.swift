import Coordinator
import FoundationEssentials
import Model
import Outside

/// What is served, and how much of its lifetime is left.
struct CertificatesPane {
    let view: Window.View

    var html: HTML {
        """
        <section id="certificates" aria-labelledby="certificates-title" data-live>
        <h2 id="certificates-title">Certificates</h2>
        <ul>\(view.status.certificates(now: view.picture.at).map(line))</ul>
        </section>
        """
    }

    private func line(_ certificate: ClusterStatus.Certificate) -> HTML {
        guard let served = certificate.served else {
            return "<li><b>\(certificate.node)</b>: none yet</li>"
        }
        let left = Duration.seconds(
            max(0, served.notAfter.timeIntervalSince(view.picture.at)))
        let names = certificate.certificate?.names ?? [view.status.domain.rawValue]
        let trouble: [HTML] = certificate.trouble.map { ["<br>\($0.message)"] } ?? []
        return """
            <li><b>\(names.joined(separator: ", "))</b> on \(certificate.node): \(left.words) left,
            until \(PageTime(served.notAfter, now: view.picture.at).clock),
            serial <code>\(served.serial)</code> \(meter(certificate))\(trouble)</li>
            """
    }

    private func meter(_ certificate: ClusterStatus.Certificate) -> [HTML] {
        certificate.left.map { left in
            let percent = Int(left * 100)
            return [
                """
                <meter min="0" max="100" low="25" high="33" optimum="100" value="\(percent)"
                aria-label="Lifetime left">\(percent)%</meter>
                """
            ]
        } ?? []
    }
}
