/// Certificates for chat.example.test, made once with fixed dates, so that a fake clock can be
/// before, in and after their time.
enum EdgeFixtures {
    /// A generation of certbot's: its key, its chain, and the leaf's serial number.
    struct Generation: Sendable {
        let key: String
        let chain: String
        let serial: String
    }

    static let root = """
        -----BEGIN CERTIFICATE-----
        MIIBgDCCASagAwIBAgIBATAKBggqhkjOPQQDAjAXMRUwEwYDVQQDDAxGaXh0dXJl
        IFJvb3QwHhcNMjAwMTAxMDAwMDAwWhcNNDAwMTAxMDAwMDAwWjAXMRUwEwYDVQQD
        DAxGaXh0dXJlIFJvb3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARoFUnoaovY
        z9CYV7XUmtCZrfnttd+Y4Bl/4I+PJlQ4ralXA5sfFxUupWVGc9nhGtMtG5k7mAv7
        I+3vDK5TbE2To2MwYTAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBRo2Ehk+Yt+
        Ku2ysVNw1uaNamM1tTAfBgNVHSMEGDAWgBRo2Ehk+Yt+Ku2ysVNw1uaNamM1tTAO
        BgNVHQ8BAf8EBAMCAQYwCgYIKoZIzj0EAwIDSAAwRQIhALUDD1fEcj5vtNE2cC+w
        AORu65uzM3hceaPFR2Szz6X7AiB9ijLZ+Hf2XIpn2bUxe4/8N2dyoe++OdzfpTka
        Uj48Pg==
        -----END CERTIFICATE-----

        """

    /// From 2025-12-31 to 2026-03-31.
    static let first = Generation(
        key: """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg+gw50yu8IyQx4tGy
            CbuFYoQJSNl8knXSuOVjn5wtoKShRANCAATihR5SDWoUPvOZoKgumxSaQs2Jp0FS
            8kY+GHTGh8qVtaa4zWRzsaXVXmTwLBlfexPVUnTzBWoQUQzB3n1CTg/B
            -----END PRIVATE KEY-----

            """,
        chain: """
            -----BEGIN CERTIFICATE-----
            MIIBsDCCAVagAwIBAgICAKEwCgYIKoZIzj0EAwIwHzEdMBsGA1UEAwwURml4dHVy
            ZSBJbnRlcm1lZGlhdGUwHhcNMjUxMjMxMDAwMDAwWhcNMjYwMzMxMDAwMDAwWjAc
            MRowGAYDVQQDDBFjaGF0LmV4YW1wbGUudGVzdDBZMBMGByqGSM49AgEGCCqGSM49
            AwEHA0IABOKFHlINahQ+85mgqC6bFJpCzYmnQVLyRj4YdMaHypW1prjNZHOxpdVe
            ZPAsGV97E9VSdPMFahBRDMHefUJOD8GjgYQwgYEwDAYDVR0TAQH/BAIwADAdBgNV
            HQ4EFgQUIKvphN5KbqSOqh9wsWa15dqSXTYwHwYDVR0jBBgwFoAUGeI0zfN0DuOi
            UP254aDFqAmbGqkwHAYDVR0RBBUwE4IRY2hhdC5leGFtcGxlLnRlc3QwEwYDVR0l
            BAwwCgYIKwYBBQUHAwEwCgYIKoZIzj0EAwIDSAAwRQIgQn02ExgVZYdhqwaahWAt
            erF6yL/9vwN5XjSVzjIHTjoCIQCNGio7rJbBlYZL2UuXTY/vUCbABantTTz1DoCM
            JBCSLg==
            -----END CERTIFICATE-----
            -----BEGIN CERTIFICATE-----
            MIIBiDCCAS6gAwIBAgIBAjAKBggqhkjOPQQDAjAXMRUwEwYDVQQDDAxGaXh0dXJl
            IFJvb3QwHhcNMjAwMTAxMDAwMDAwWhcNNDAwMTAxMDAwMDAwWjAfMR0wGwYDVQQD
            DBRGaXh0dXJlIEludGVybWVkaWF0ZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
            BMNaB34PxVR9nzc0KM3b6svZRD5Kir2B2qKTX2X/MIuiwHrnbzQA5UJTKpUBgmJE
            xIN9xyfNgKk7xvgTsHZIJFmjYzBhMA8GA1UdEwEB/wQFMAMBAf8wHQYDVR0OBBYE
            FBniNM3zdA7jolD9ueGgxagJmxqpMB8GA1UdIwQYMBaAFGjYSGT5i34q7bKxU3DW
            5o1qYzW1MA4GA1UdDwEB/wQEAwIBBjAKBggqhkjOPQQDAgNIADBFAiEAuMYb59OG
            pJgC4SHnMYDkgoc0hJfQ+T9lT5cVjfrXUwECICCkDEM8qhfhJrbb1ZiiIOHMzFuf
            jz0pea9C/FuparyK
            -----END CERTIFICATE-----

            """, serial: "a1")

    /// From 2026-03-01 to 2026-05-30.
    static let second = Generation(
        key: """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgpbUtmSHc/u/r/miA
            OkYdmoFmTgAscS8Bf08+HEnWofqhRANCAAT5Wx2snBysKmjZzxG3OFsAsYSfDhp4
            g97i9mHBLK9AKwivgNNIbWiEcUIYwNViHt8mqr2ZCl0jqmkUZIoiRxk3
            -----END PRIVATE KEY-----

            """,
        chain: """
            -----BEGIN CERTIFICATE-----
            MIIBrzCCAVagAwIBAgICALIwCgYIKoZIzj0EAwIwHzEdMBsGA1UEAwwURml4dHVy
            ZSBJbnRlcm1lZGlhdGUwHhcNMjYwMzAxMDAwMDAwWhcNMjYwNTMwMDAwMDAwWjAc
            MRowGAYDVQQDDBFjaGF0LmV4YW1wbGUudGVzdDBZMBMGByqGSM49AgEGCCqGSM49
            AwEHA0IABPlbHaycHKwqaNnPEbc4WwCxhJ8OGniD3uL2YcEsr0ArCK+A00htaIRx
            QhjA1WIe3yaqvZkKXSOqaRRkiiJHGTejgYQwgYEwDAYDVR0TAQH/BAIwADAdBgNV
            HQ4EFgQUHjSM807oGd99dirCqyaghU9tHWUwHwYDVR0jBBgwFoAUGeI0zfN0DuOi
            UP254aDFqAmbGqkwHAYDVR0RBBUwE4IRY2hhdC5leGFtcGxlLnRlc3QwEwYDVR0l
            BAwwCgYIKwYBBQUHAwEwCgYIKoZIzj0EAwIDRwAwRAIgYJNjIedXlwYEBkPVGuIr
            WqHBRk20fpBoj2kg46NptWACICmax/yFuUP1vzQZahYSjQYIDCp9mTfS5ULZP/dL
            T7BA
            -----END CERTIFICATE-----
            -----BEGIN CERTIFICATE-----
            MIIBiDCCAS6gAwIBAgIBAjAKBggqhkjOPQQDAjAXMRUwEwYDVQQDDAxGaXh0dXJl
            IFJvb3QwHhcNMjAwMTAxMDAwMDAwWhcNNDAwMTAxMDAwMDAwWjAfMR0wGwYDVQQD
            DBRGaXh0dXJlIEludGVybWVkaWF0ZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
            BMNaB34PxVR9nzc0KM3b6svZRD5Kir2B2qKTX2X/MIuiwHrnbzQA5UJTKpUBgmJE
            xIN9xyfNgKk7xvgTsHZIJFmjYzBhMA8GA1UdEwEB/wQFMAMBAf8wHQYDVR0OBBYE
            FBniNM3zdA7jolD9ueGgxagJmxqpMB8GA1UdIwQYMBaAFGjYSGT5i34q7bKxU3DW
            5o1qYzW1MA4GA1UdDwEB/wQEAwIBBjAKBggqhkjOPQQDAgNIADBFAiEAuMYb59OG
            pJgC4SHnMYDkgoc0hJfQ+T9lT5cVjfrXUwECICCkDEM8qhfhJrbb1ZiiIOHMzFuf
            jz0pea9C/FuparyK
            -----END CERTIFICATE-----

            """, serial: "b2")
}
