import Model
import Support
import Testing
import Trust

@testable import AWS

@Suite struct EC2Tests {
    @Test("an instance is read by path: its own address, not that of its interface")
    func instance() async throws {
        let rig = Rig(answer(Samples.instances))
        let found = try await EC2(client: rig.client).instances(
            of: ClusterID(unchecked: "prod"))
        #expect(
            found == [
                EC2.Instance(
                    id: "i-d2224c579a79502ea", state: "running", privateAddress: "10.2.169.240",
                    publicAddress: "54.214.81.3")
            ])
        #expect(rig.urls == ["https://ec2.eu-central-1.amazonaws.com/"])
        #expect(
            rig.bodies == [
                "Action=DescribeInstances&Filter.1.Name=tag%3Ajeeves%3Acluster"
                    + "&Filter.1.Value.1=prod&Filter.2.Name=instance-state-name"
                    + "&Filter.2.Value.1=pending&Filter.2.Value.2=running"
                    + "&Filter.2.Value.3=shutting-down&Filter.2.Value.4=stopping"
                    + "&Filter.2.Value.5=stopped&Version=2016-11-15"
            ])
    }

    @Test("pages are followed to the last; an empty answer is an empty list")
    func pages() async throws {
        func page(_ id: String, next: String) -> String {
            "<R><reservationSet><item><instancesSet><item><instanceId>\(id)</instanceId>"
                + "<instanceState><name>stopped</name></instanceState></item></instancesSet></item>"
                + "</reservationSet>\(next)</R>"
        }
        let rig = Rig(
            answer(page("i-1", next: "<nextToken>a/b=</nextToken>")), answer(page("i-2", next: "")),
            answer("<R><reservationSet/></R>"))
        let ec2 = EC2(client: rig.client)
        let found = try await ec2.instances(of: ClusterID(unchecked: "prod"))
        #expect(found.map(\.id) == ["i-1", "i-2"])
        #expect(found.allSatisfy { $0.publicAddress == nil })
        #expect(
            rig.bodies[0].contains("Filter.1.Name=tag%3Ajeeves%3Acluster&Filter.1.Value.1=prod"))
        #expect(rig.bodies[1].contains("&NextToken=a%2Fb%3D&"))
        #expect(try await ec2.instances(of: ClusterID(unchecked: "none")).isEmpty)
    }

    @Test("everything with the cluster's tag is listed, whatever its kind")
    func tagged() async throws {
        let rig = Rig(
            answer(
                "<R><tagSet><item><key>jeeves:cluster</key><resourceId>vpc-1</resourceId>"
                    + "<resourceType>vpc</resourceType><value>prod</value></item><item>"
                    + "<key>jeeves:cluster</key><resourceId>i-1</resourceId>"
                    + "<resourceType>instance</resourceType></item></tagSet></R>"))
        let found = try await EC2(client: rig.client).tagged(with: ClusterID(unchecked: "prod"))
        #expect(found == [.init(id: "vpc-1", kind: "vpc"), .init(id: "i-1", kind: "instance")])
        #expect(
            rig.bodies == [
                "Action=DescribeTags&Filter.1.Name=key&Filter.1.Value.1=jeeves%3Acluster"
                    + "&Filter.2.Name=value&Filter.2.Value.1=prod&Version=2016-11-15"
            ])
    }

    @Test("pages without an end are given up")
    func endless() async throws {
        let page = answer("<R><reservationSet/><nextToken>x</nextToken></R>")
        let transport = RecordedTransport(Array(repeating: page, count: EC2.pagesMax + 1))
        let rig = Rig()
        let client = AWSClient(
            credentials: .init(accessKeyID: "a", secretAccessKey: Secret("b")),
            region: "eu-central-1",
            world: rig.fake.world, transport: transport)
        let all = await failure {
            try await EC2(client: client).instances(of: ClusterID(unchecked: "x"))
        }
        #expect(all?.message.contains("more than \(EC2.pagesMax) pages") == true)
        #expect(transport.requests.count == EC2.pagesMax)
    }

    @Test("an id that does not exist is not found; no ids are no call")
    func missing() async throws {
        let rig = Rig(answer(Samples.ec2Error, status: 400))
        let ec2 = EC2(client: rig.client)
        let found = await failure { try await ec2.instances(ids: ["i-0badbadbadbad0000"]) }
        #expect(found?.code == .notFound)
        #expect(
            rig.bodies == [
                "Action=DescribeInstances&InstanceId.1=i-0badbadbadbad0000&Version=2016-11-15"
            ])
        #expect(try await ec2.instances(ids: []).isEmpty)
    }
}
