extension EdgeFixtures {
    /// Issued ``rsa`` and ``nextRSA`` itself.
    static let rsaRoot = """
        -----BEGIN CERTIFICATE-----
        MIIBaDCCAQ6gAwIBAgICAMMwCgYIKoZIzj0EAwIwGzEZMBcGA1UEAwwQRml4dHVy
        ZSBSU0EgUm9vdDAeFw0yMDAxMDEwMDAwMDBaFw00MDAxMDEwMDAwMDBaMBsxGTAX
        BgNVBAMMEEZpeHR1cmUgUlNBIFJvb3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
        AATZQTCXYKpDfyK9TjQRddzzSnoINW4RC5K8cdJJfoUxdrjN0Za2/2FI1BYjWtfm
        ce7LMiumcwXkbmDF+jeAAtXso0IwQDAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB
        /wQEAwIBBjAdBgNVHQ4EFgQU0CHHDD9jZWtA4MU/DzlthJkrwjMwCgYIKoZIzj0E
        AwIDSAAwRQIhAIIWNP4N4XF1h5Pd5uBsm+Vq354V11QzRv49kGf7THmDAiA+t+Dk
        3EYUWX8KsAA5u6Ua/cBG8ec1WOI9vaXh9k4NJQ==
        -----END CERTIFICATE-----

        """

    /// From 2025-12-31 to 2026-03-31.
    static let rsa = Generation(
        key: """
            -----BEGIN PRIVATE KEY-----
            MIIEugIBADANBgkqhkiG9w0BAQEFAASCBKQwggSgAgEAAoIBAQCx1DdIn2sd9g78
            SsSL0ieT3RgksSExc+few7XrcfMVDuCkCI/69wi9+8IsEyCZ6QSSIde+MhJP/wWy
            +E4095x1Yp98Au+Cqic4KpNXi5f+EA/xhbqQ37KL7RJZVekqzKS+23+rOWaAFCRk
            LBRhTmKYpdjjP4Os2THsIaVQXfFJ2uTqmUSP2FAyf1rLMS6vAtQoemYtO7fA6lVr
            GSLM0fB0+MZP96EYaLghlbdVtV6ENeiz0chBt261L0R0gkConaTfwlmy4wnqvJHz
            50FMTgDHU4sehal9a8DVx4PktAGyeUN+dPqnncsLtAJM/FnIhiEsj8Zmcc/90W3a
            rZ20QU5pAgMBAAECggEANnzxB5aZas/HXbTHLpSRPfRj/nIr2oxKQu6y4lbDBfPO
            D1T0URC6pAPtRjYCKkbE+MXX5lZPWCWrKGB/DinEzg8PER+RJfdfFw2sogmK4/Ul
            /XpdZSC2A7v7gFYboNqdrEFziBKJfrstP2hmQj6TZXSD1XXTsfXHHzRcBBkU4uzl
            rRI/rlFxpTzdrx8N/AiEeqO5EaDuVj5QWAkaoEwjTKm3hOol0eisVOtd/bWNiM02
            ja/nM0i+XrJ1lfTGS4c6wy3x8WWZm1N1LjBCd7+H+iJ6DPNZR9a/5G5bgz13fpc1
            vkPp+tlb44u4JyJXSWby28Zht1ILotkc3Fwaw1dgRQKBgQDYbcpyw630k6NnbpgJ
            F/zn21/zNX3ogilEGRFhJM6fi4XDMeChGc6MkPIyqqj6MePzUAjehYDtK6wwhsnr
            Drs2wREquPke3ssWX3283cOW0QvFQ+rg12nTJJ78ytJkeBSzUw3e3r9Oj7xTsuQA
            UGioXABV7j79V2oVi+613VE+2wKBgQDSV7YKM6r6BekVG1e4ig04qXMudBoOo/sN
            cMLKx22NqRHeBkRziEP89k+SRQqxeF1QFTx9vctfhNXmgDg/kWz2hbCe+qIrl7Pt
            WcbdgSqC7Xcn/ESaE4dEYO386fXf7UTajNsNRGwFoeYeXmalBPF/3jk3QjZURtud
            IUkVaMpBCwKBgDbUYbR/ZGOQv5Xli7jKDfVDO2SnCZXM2913qFJ++6WpuCKCUVEe
            85fi5Kj3WUXBO+mZPhX5pnbvWHkWvLLDEaTGdq3nHJ24faTWXklpuTJNFXlNQoTh
            rdqi7XBHhdOUJFJl2R68OaUSfviJWn/F3y2/2QnsCKMv8R0yTTBfuER/An8vp6+W
            oB4chzpHjepR5PUZ4Uo3PBarOnumj+WSC5zGe4eQxdq8UiMVLLjaasoBa0O44RbT
            Ziytd2r+zg3wWQJW1/MsEZysQ7KAE9b6WElJYIOei4j/X21GEK/anScXlKoE2eTH
            HLlcjVGVj82xlW0hizdrTZUBgww+jUwBjbxFAoGAK1CGk84eibikIstluRYyEZdG
            uoWdNNV6JAT6Pm0qfjpZe3A/wbWWA+bWOn6hD+Fv5gxJYQVXZOw/LT38ZgDTI30w
            OUCRtZ5jiqmk/A4lFQRLfiFw0kCPGkxSlnVSqvm5hY/4hIyZj8cTGw8VCoaf79D8
            RjMv8nmWHcWWC0EMwRQ=
            -----END PRIVATE KEY-----

            """,
        chain: """
            -----BEGIN CERTIFICATE-----
            MIICdzCCAh2gAwIBAgICAMQwCgYIKoZIzj0EAwIwGzEZMBcGA1UEAwwQRml4dHVy
            ZSBSU0EgUm9vdDAeFw0yNTEyMzEwMDAwMDBaFw0yNjAzMzEwMDAwMDBaMBwxGjAY
            BgNVBAMMEWNoYXQuZXhhbXBsZS50ZXN0MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A
            MIIBCgKCAQEAsdQ3SJ9rHfYO/ErEi9Ink90YJLEhMXPn3sO163HzFQ7gpAiP+vcI
            vfvCLBMgmekEkiHXvjIST/8FsvhONPecdWKffALvgqonOCqTV4uX/hAP8YW6kN+y
            i+0SWVXpKsykvtt/qzlmgBQkZCwUYU5imKXY4z+DrNkx7CGlUF3xSdrk6plEj9hQ
            Mn9ayzEurwLUKHpmLTu3wOpVaxkizNHwdPjGT/ehGGi4IZW3VbVehDXos9HIQbdu
            tS9EdIJAqJ2k38JZsuMJ6ryR8+dBTE4Ax1OLHoWpfWvA1ceD5LQBsnlDfnT6p53L
            C7QCTPxZyIYhLI/GZnHP/dFt2q2dtEFOaQIDAQABo4GEMIGBMAwGA1UdEwEB/wQC
            MAAwHQYDVR0OBBYEFK6Q5mo4sGM1nfPH2V33XGy3Y9IPMB8GA1UdIwQYMBaAFNAh
            xww/Y2VrQODFPw85bYSZK8IzMBwGA1UdEQQVMBOCEWNoYXQuZXhhbXBsZS50ZXN0
            MBMGA1UdJQQMMAoGCCsGAQUFBwMBMAoGCCqGSM49BAMCA0gAMEUCIBwuK277rd3g
            iTP6tggBf71utK5U5+3yGjmuKwH5kd8GAiEAuF0lqJ4vPcaNPv6eOfiUXbSqeMdn
            BLXAfZhq99aXmwU=
            -----END CERTIFICATE-----

            """, serial: "c4")

    /// From 2026-01-20 to 2026-04-20.
    static let nextRSA = Generation(
        key: """
            -----BEGIN PRIVATE KEY-----
            MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQC65hxlx2XLAo0l
            ZulZtDUC4og7/lk7tebOSpkzVpeSb4zoX2h4rZjw95aHb7EEyN046u3j2U2E4kLJ
            O8BGMH3V9rHVV62VRWufSO/+/gOnF4bxHazOk0AUfa/t8e4jIB73MMOpHrDN7QnY
            7Nrw4PwiYJh7GP6rfQ78diNSmylIGvE7hwXIFnRB746a9hi5JoIS6Ik3J9+26/fE
            uo+UQcwcxciZ5jy4NRBlhT8v9aYaFMxzYwl/WNiRITebOLohqOFXWdZRceh5aIIk
            cV2ntUL2GP+0R0EfhpW04sdJn6YQ6EKfT35SGZ1kRT2R8V1rPut9pLAEzQ/RuyVn
            tcILqUrTAgMBAAECggEAQj9ahYEeRc1Ltpw5zoAf4jvlyk4n1xBtFWY/04C4DUHZ
            EmzvHQd7lL5N7wfaGTYRpCEx3XejEJ0ayzWQu9BoajUdZ9/COYz3zugNmbb0GIAw
            Zrr8C+UJ67l5aMA+htjV4Qy57fJg/T0uJmQeXw+Aj7bplYiQjLyxWS+O6bLx+Qpn
            HYzSWMuXcp4ClWGDqEyCHm/tThAT3ptCwWN0C9Jenb+P5trfg45XvUI663XaUkCC
            PhkElGWTeLruleFpDu0bF+eRtH3ku+ondYvkcNGb0SFID0/Xl9S7KOUpvTGeI3CB
            NTiu4YhKr4EV64TatxcApfxOQsi5nxfi372XZ3e6EQKBgQD8Rl66D/5pIg2BKRe2
            sV+wFsK6oNqiikAem6X4oWr63MLHkCHkL5IZzWMfy//NC9Oc8LkVIZJ3xXLDwZa2
            mdutsCn7mIoPatZmSwnVv4ipwHE8TaoBEGCNKSGY/5c5UZeDCckPu92IBjmBw6H6
            85lWoTbV0aXTx8IgMafCz1awhwKBgQC9qJyPdCTTAdkL+Yx4GE4fP5dL0jbpp9fN
            0xOEEWH0OhpZSJiGe76WdUmjovzQqDhdK+u3QSooIE/4/NTfck9wTBvB/gHGp73/
            jXXKjKlic/OdCzxOaT8VHPQhok/jKLpWTL+rgRtlIlGWEOLEQvN/VrL38UNxHUkd
            otdePYtiVQKBgFCBXGVgCT4fodOf+3NPs0uMV+QaxOqt17xsy1BGos8feAEbW9Vn
            4OXfB0z0WtNifMtOfqHhrs4N8ovJ0YDAJLyOxTcG/LfizjyioabWkpQpV3l5B1GD
            mmwxvgkHN4kRIpqsmr8sootwARYKCjz9U+ezVr5xQswMqUSA1Bp09CMtAoGAP9tv
            q1VduLYckE2boCv+0cKlfF/xIUbkAGcbYRJBOuv9RyaMRGuRxjMDcldEbDTXlXde
            TDtiqFQI2Tq3qexhFtxpVC3kBzEfZdYJXQNzXLTRx4Sq73O8S62N/W0bHM7vvnLk
            7ifwQ2MEuVRCJfas6akVZSoUnRdRMOtNPGvYbGkCgYA7x+1fEa4aE3Pzvei0YJ1D
            W2FSkA7Me6i0N+w2UZTB+UYynEZiAMtlkn/xDWJXKjqzzvrKZnbr6xZiq1FUUQlH
            JKfcq0fo9KUm46TjdYVMojQ7yutwXF3QmtsA1VlLNGKxsr4qD92Vbxd+DJp6YG0V
            h8ASUh4lgVjFE0xEyOhptA==
            -----END PRIVATE KEY-----

            """,
        chain: """
            -----BEGIN CERTIFICATE-----
            MIICeDCCAh2gAwIBAgICAMUwCgYIKoZIzj0EAwIwGzEZMBcGA1UEAwwQRml4dHVy
            ZSBSU0EgUm9vdDAeFw0yNjAxMjAwMDAwMDBaFw0yNjA0MjAwMDAwMDBaMBwxGjAY
            BgNVBAMMEWNoYXQuZXhhbXBsZS50ZXN0MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A
            MIIBCgKCAQEAuuYcZcdlywKNJWbpWbQ1AuKIO/5ZO7XmzkqZM1aXkm+M6F9oeK2Y
            8PeWh2+xBMjdOOrt49lNhOJCyTvARjB91fax1VetlUVrn0jv/v4DpxeG8R2szpNA
            FH2v7fHuIyAe9zDDqR6wze0J2Oza8OD8ImCYexj+q30O/HYjUpspSBrxO4cFyBZ0
            Qe+OmvYYuSaCEuiJNyfftuv3xLqPlEHMHMXImeY8uDUQZYU/L/WmGhTMc2MJf1jY
            kSE3mzi6IajhV1nWUXHoeWiCJHFdp7VC9hj/tEdBH4aVtOLHSZ+mEOhCn09+Uhmd
            ZEU9kfFdaz7rfaSwBM0P0bslZ7XCC6lK0wIDAQABo4GEMIGBMAwGA1UdEwEB/wQC
            MAAwHQYDVR0OBBYEFDGUiSOpOyL0XABuQQvLHhaN6IwXMB8GA1UdIwQYMBaAFNAh
            xww/Y2VrQODFPw85bYSZK8IzMBwGA1UdEQQVMBOCEWNoYXQuZXhhbXBsZS50ZXN0
            MBMGA1UdJQQMMAoGCCsGAQUFBwMBMAoGCCqGSM49BAMCA0kAMEYCIQCDZmAHTz+d
            ZrMrTwXjDmj6x/49V46nLfSe7D3t+gviSgIhAL9aBWwJJO1ma7xPBqZ2Tc949M+i
            3AiAE0Dle+wxCV1T
            -----END CERTIFICATE-----

            """, serial: "c5")
}
