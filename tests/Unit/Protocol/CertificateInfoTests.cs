using CertAuthority.Protocol;

namespace CertAuthority.Tests.Unit.Protocol;

public class CertificateInfoTests
{
    [Theory]
    [InlineData("postgres", "postgres", "db1", true)]
    [InlineData("postgres@db1", "postgres", "db1", true)]
    [InlineData("postgres@db2", "postgres", "db1", false)]
    [InlineData("adam@corp.example.com@ad1", "adam@corp.example.com", "ad1", true)]
    [InlineData("adam@corp.example.com", "adam", "corp.example.com", true)]
    [InlineData("adam@corp.example.com", "adam@corp.example.com", "ad1", false)]
    public void A_certificate_opens_what_its_principals_say(string principal, string login, string node, bool opens) =>
        Assert.Equal(opens, new CertificateInfo
        {
            Serial = "1",
            User = "alice",
            KeyId = "alice",
            Roles = [],
            Requests = [],
            Principals = [principal],
            ValidAfter = default,
            ValidBefore = default,
            LimitedBy = "",
            Revoked = false,
        }.Opens(login, node));
}
