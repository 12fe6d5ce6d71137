/// Answers as AWS and moto 5.2.1 gave them, laid out in lines; the instance is cut to what matters.
enum Samples {
    static let instances = #"""
        <?xml version="1.0" ?>
        <DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15">
         <reservationSet>
          <item>
           <reservationId>r-daa362a5b22a4fe73</reservationId>
           <ownerId>123456789012</ownerId>
           <groupSet/>
           <instancesSet>
            <item>
             <architecture>x86_64</architecture>
             <clientToken>07ee3af8-29f9-48c5-9a8b-c09a7dee4484</clientToken>
             <ebsOptimized>false</ebsOptimized>
             <hypervisor>xen</hypervisor>
             <networkInterfaceSet>
              <item>
               <association>
                <ipOwnerId>123456789012</ipOwnerId>
                <publicDnsName>ip-54-214-81-3.ec2.internal</publicDnsName>
                <publicIp>54.214.81.3</publicIp>
               </association>
               <description>Primary network interface</description>
               <groupSet>
                <item>
                 <groupId>sg-25024080a75c6ac20</groupId>
                 <groupName>default</groupName>
                </item>
               </groupSet>
               <ipv6AddressesSet/>
               <macAddress>02:00:00:75:51:a7</macAddress>
               <networkInterfaceId>eni-1d879d388c4f81724</networkInterfaceId>
               <ownerId>123456789012</ownerId>
               <privateDnsName>ip-10-2-169-240.ec2.internal</privateDnsName>
               <privateIpAddress>10.2.169.240</privateIpAddress>
               <privateIpAddressesSet>
                <item>
                 <association>
                  <ipOwnerId>123456789012</ipOwnerId>
                  <publicDnsName>ip-54-214-81-3.ec2.internal</publicDnsName>
                  <publicIp>54.214.81.3</publicIp>
                 </association>
                 <primary>true</primary>
                 <privateIpAddress>10.2.169.240</privateIpAddress>
                </item>
               </privateIpAddressesSet>
               <sourceDestCheck>true</sourceDestCheck>
               <status>in-use</status>
               <subnetId>subnet-04f92c1c1d5ee242d</subnetId>
               <vpcId>vpc-e9d8e71f2e70e936c</vpcId>
               <interfaceType>interface</interfaceType>
              </item>
             </networkInterfaceSet>
             <rootDeviceName>/dev/sda1</rootDeviceName>
             <rootDeviceType>ebs</rootDeviceType>
             <groupSet/>
             <sourceDestCheck>true</sourceDestCheck>
             <sriovNetSupport>simple</sriovNetSupport>
             <tagSet>
              <item>
               <key>Name</key>
               <value>jeeves-rocketchat</value>
              </item>
             </tagSet>
             <virtualizationType>hvm</virtualizationType>
             <hibernationOptions/>
             <instanceId>i-d2224c579a79502ea</instanceId>
             <imageId>ami-0c0ffee2404000001</imageId>
             <instanceState>
              <code>16</code>
              <name>running</name>
             </instanceState>
             <privateDnsName>ip-10-2-169-240.ec2.internal</privateDnsName>
             <dnsName>ec2-54-214-81-3.compute-1.amazonaws.com</dnsName>
             <reason/>
             <amiLaunchIndex>0</amiLaunchIndex>
             <productCodes/>
             <instanceType>m1.small</instanceType>
             <launchTime>2026-11-23T03:18:08.000Z</launchTime>
             <subnetId>subnet-04f92c1c1d5ee242d</subnetId>
             <vpcId>vpc-e9d8e71f2e70e936c</vpcId>
             <privateIpAddress>10.2.169.240</privateIpAddress>
             <ipAddress>54.214.81.3</ipAddress>
            </item>
           </instancesSet>
          </item>
         </reservationSet>
         <requestId>request-id</requestId>
        </DescribeInstancesResponse>
        """#

    static let ec2Error = #"""
        <?xml version="1.0" ?>
        <Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15">
         <Errors>
          <Error>
           <Code>InvalidInstanceID.NotFound</Code>
           <Message>The instance ID 'i-0badbadbadbad0000' does not exist</Message>
          </Error>
         </Errors>
         <RequestID>request-id</RequestID>
        </Response>
        """#

    static let zones = #"""
        <?xml version="1.0" ?>
        <ListHostedZonesByNameResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/">
         <HostedZones>
          <HostedZone>
           <Id>/hostedzone/N7NIC13A966KQKIQZ1854L</Id>
           <Name>example.org.</Name>
           <CallerReference>86aa0f72</CallerReference>
           <Config>
            <PrivateZone>false</PrivateZone>
           </Config>
           <ResourceRecordSetCount>3</ResourceRecordSetCount>
          </HostedZone>
          <HostedZone>
           <Id>/hostedzone/DUZICLP1ML8WEQOW060B50</Id>
           <Name>example.org.</Name>
           <CallerReference>a6dfd2ce</CallerReference>
           <Config>
            <Comment>p</Comment>
            <PrivateZone>true</PrivateZone>
           </Config>
           <ResourceRecordSetCount>2</ResourceRecordSetCount>
          </HostedZone>
          <HostedZone>
           <Id>/hostedzone/WS2UXAHR3NE5AB6G57FXDE</Id>
           <Name>example.org.</Name>
           <CallerReference>df561708</CallerReference>
           <Config>
            <PrivateZone>false</PrivateZone>
           </Config>
           <ResourceRecordSetCount>2</ResourceRecordSetCount>
          </HostedZone>
         </HostedZones>
         <DNSName>example.org.</DNSName>
        </ListHostedZonesByNameResponse>
        """#

    static let upserted = #"""
        <?xml version="1.0" ?>
        <ChangeResourceRecordSetsResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/">
         <ChangeInfo>
          <Id>/change/C2682N5HXP0BZ4</Id>
          <Status>INSYNC</Status>
          <SubmittedAt>2026-11-23T03:05:00.996652Z</SubmittedAt>
         </ChangeInfo>
        </ChangeResourceRecordSetsResponse>
        """#

    static let change = #"""
        <?xml version="1.0" ?>
        <GetChangeResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/">
         <ChangeInfo>
          <Id>C2682N5HXP0BZ4</Id>
          <Status>INSYNC</Status>
          <SubmittedAt>2026-11-23T03:05:01.100160Z</SubmittedAt>
         </ChangeInfo>
        </GetChangeResponse>
        """#

    static let noSuchZone = #"""
        <?xml version="1.0" ?>
        <ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/">
         <Error>
          <Type>Sender</Type>
          <Code>NoSuchHostedZone</Code>
          <Message>No hosted zone found with ID: ZNOPE</Message>
          <message>No hosted zone found with ID: ZNOPE</message>
         </Error>
         <RequestId>39y9h4TiN3mV9iGx7V0qttEqDEMZchM0eNadQHbKeczWCIyBSQ7a</RequestId>
        </ErrorResponse>
        """#

    static let outsideZone = #"""
        <?xml version="1.0" ?>
        <ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/">
         <Error>
          <Type>Sender</Type>
          <Code>InvalidChangeBatch</Code>
          <Message>RRSet with DNS name other.test. is not permitted in zone example.org.</Message>
          <message>RRSet with DNS name other.test. is not permitted in zone example.org.</message>
         </Error>
         <RequestId>wMAZz0Ov6nk9wsmki1Qq0QQvdqJZcx8sWzZjWAWE1r4OfOfiSFJz</RequestId>
        </ErrorResponse>
        """#

}
