using System.Collections.Immutable;
using CertAuthority.Access.Values;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using CertAuthority.Signer;

namespace CertAuthority.Tests.Unit;

/// <summary>A certificate that the signer signs, to be changed in one member.</summary>
internal static class SignerSample
{
    public static readonly DateTimeOffset Now = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);

    public static readonly PrivateKey Ca = PrivateKeys.New(CaKeyType.Ed25519);

    public static readonly SigningLimits Limits = new()
    {
        Type = CertificateType.User,
        Lifetime = TimeSpan.FromHours(12),
        Principals = 3,
        NeverPrincipals = Patterns("root", "root@*"),
        PerMinute = 5,
    };

    public static ImmutableArray<NamePattern> Patterns(params string[] texts) => [.. texts.Select(text => NamePattern.TryParse(text, out _)!)];

    public static byte[] User(
        TimeSpan? begins = null, TimeSpan? ends = null, string[]? principals = null, SignatureKey? ca = null, ulong serial = 7,
        PublicKey? key = null, (string, string)[]? options = null, (string, string)[]? others = null, UserExtensions extensions = UserExtensions.PermitPty) =>
        new UserCertificate
        {
            Nonce = new byte[CertificateContent.NonceLength],
            Key = key ?? PublicKey.ParseLine(Vector.Text("ed25519.pub")),
            Serial = serial,
            KeyId = "alice",
            Principals = principals ?? ["postgres", "deploy@web1"],
            Validity = Period(begins, ends),
            CriticalOptions = (options ?? []).ToDictionary(one => one.Item1, one => one.Item2),
            Extensions = extensions,
            OtherExtensions = (others ?? []).ToDictionary(one => one.Item1, one => one.Item2),
            SignatureKey = ca ?? Ca.PublicKey,
        }.ToBeSigned();

    public static byte[] Host(TimeSpan? ends = null) => new HostCertificate
    {
        Nonce = new byte[CertificateContent.NonceLength],
        Key = PublicKey.ParseLine(Vector.Text("ed25519.pub")),
        Serial = 7,
        KeyId = "db1",
        Principals = ["db1.example.com"],
        Validity = Period(null, ends),
        SignatureKey = Ca.PublicKey,
    }.ToBeSigned();

    private static OpenSsh.Validity Period(TimeSpan? begins, TimeSpan? ends) => new(
        (ulong)(Now + (begins ?? TimeSpan.FromMinutes(-1))).ToUnixTimeSeconds(), (ulong)(Now + (ends ?? TimeSpan.FromHours(1))).ToUnixTimeSeconds());
}
