using System.Globalization;
using System.Security.Cryptography;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using FsCheck;
using FsCheck.Fluent;

namespace CertAuthority.Tests.Unit;

/// <summary>Certificates of every kind, thousands of them: ssh-keygen must read in them what we read.</summary>
public sealed class RandomCertificateTests : IDisposable
{
    private const int Count = 10_000;

    // Ed25519 most of the time: RSA signs a hundred times slower.
    private readonly PrivateKey[] authorities =
        [.. new[] { CaKeyType.Ed25519, CaKeyType.Ecdsa, CaKeyType.Rsa }.Select(PrivateKeys.New)];

    private readonly TemporaryFolder folder = new();

    public void Dispose()
    {
        Array.ForEach(authorities, key => key.Dispose());
        folder.Dispose();
    }

    [Fact]
    public void Ssh_keygen_reads_ten_thousand_certificates_as_we_do()
    {
        byte[][] blobs = [.. Certificates().Resize(12).Sample(Count).Select(Signed)];
        string[] theirs = [.. blobs.Chunk(Count / 4).AsParallel().AsOrdered().SelectMany(Shown)];
        Assert.Equal(Count, theirs.Length);
        for (var i = 0; i < Count; i++)
            Assert.Equal(AsSshKeygenShows(Certificate.Parse(blobs[i])), theirs[i]);
    }

    // It shows no certificate whose signature it could not verify.
    private string[] Shown(byte[][] blobs)
    {
        var path = folder.File($"{Guid.NewGuid():n}-cert.pub", string.Concat(blobs.Select(blob => Certificate.ToLine(blob, "") + "\n")));
        var (exitCode, output) = SshKeygen.Run("-L", "-f", path);
        Assert.Equal(0, exitCode);
        // "FILE:" before the first, "FILE:LINE:" before each other.
        return [.. output.Split(path + ":").Skip(1).Select(text => text[(text.IndexOf('\n') + 1)..])];
    }

    private byte[] Signed(UserCertificate certificate)
    {
        var toBeSigned = certificate.ToBeSigned();
        Assert.Empty(CertificateLint.Faults(toBeSigned, CertificateType.User));
        var (algorithm, blob) = authorities.Single(key => key.PublicKey == certificate.SignatureKey).Sign(toBeSigned);
        return UserCertificate.Seal(toBeSigned, algorithm, blob);
    }

    private Gen<UserCertificate> Certificates() =>
        from nonce in Bytes(UserCertificate.NonceLength)
        from key in Gen.OneOf(Keys)
        from serial in Gen.Choose(1, int.MaxValue)
        from shift in Gen.Choose(0, 32)
        from keyId in Gen.Choose(' ', '~').Select(c => (char)c).ArrayOf().Where(id => id.Length is >= 1 and <= 256)
        from principals in Gen.Elements("AZaz09._@:/+~-".ToCharArray()).ArrayOf(7).NonEmptyListOf()
        from after in Gen.Choose(1, int.MaxValue)
        from length in Gen.Choose(1, int.MaxValue)
        from extensions in Gen.Choose(0, 15)
        from command in Gen.Elements<string?>(null, null, "/usr/bin/id -u")
        from addresses in Gen.SubListOf("192.0.2.0/24", "198.51.100.7", "2001:db8::/32", "::1")
        from others in Gen.SubListOf(KeyValuePair.Create("login@example.com", "alice"), KeyValuePair.Create("flag@example.com", ""))
        from authority in Gen.Frequency((40, Gen.Constant(authorities[0])), (8, Gen.Constant(authorities[1])), (1, Gen.Constant(authorities[2])))
        select new UserCertificate
        {
            Nonce = nonce,
            Key = key,
            Serial = (ulong)serial << shift,
            KeyId = new string(keyId),
            Principals = [.. principals.Select(principal => "_" + new string(principal)).Distinct()],
            Validity = new Validity((ulong)after, (ulong)after + (ulong)length),
            CriticalOptions = new[]
            {
                ("force-command", command),
                ("source-address", addresses.Count == 0 ? null : string.Join(',', addresses)),
                ("verify-required", key is SecurityKeyEd25519PublicKey or SecurityKeyEcdsaPublicKey && serial % 2 == 0 ? "" : null),
            }.Where(option => option.Item2 is not null).ToDictionary(option => option.Item1, option => option.Item2!),
            Extensions = (UserExtensions)extensions,
            OtherExtensions = others.ToDictionary(),
            SignatureKey = authority.PublicKey,
        };

    // One generator for each type of key that is certified.
    private static readonly Gen<PublicKey>[] Keys =
    [
        from pk in Bytes(32) select Key("ssh-ed25519", new WireWriter().String(pk)),
        from point in Points(EcdsaCurve.NistP256, ECCurve.NamedCurves.nistP256) select Key("ecdsa-sha2-nistp256", point),
        from point in Points(EcdsaCurve.NistP384, ECCurve.NamedCurves.nistP384) select Key("ecdsa-sha2-nistp384", point),
        from point in Points(EcdsaCurve.NistP521, ECCurve.NamedCurves.nistP521) select Key("ecdsa-sha2-nistp521", point),
        from length in Gen.Elements(384, 385, 512)
        from n in Bytes(length)
        select Key("ssh-rsa", new WireWriter().MpInt([1, 0, 1]).MpInt(Numbers.Modulus(n))),
        from pk in Bytes(32) from application in Applications select Key("sk-ssh-ed25519@openssh.com", new WireWriter().String(pk).String(application)),
        from point in Points(EcdsaCurve.NistP256, ECCurve.NamedCurves.nistP256) from application in Applications
        select Key("sk-ecdsa-sha2-nistp256@openssh.com", new WireWriter().Raw(point.ToArray()).String(application)),
    ];

    private static Gen<string> Applications => Gen.Choose(' ', '~').Select(c => (char)c).ArrayOf().Where(rest => rest.Length <= 252).Select(rest => "ssh:" + new string(rest));

    // Not byte by byte, which would take longer than everything else.
    private static Gen<byte[]> Bytes(int length) => Gen.Constant(length).Select(RandomNumberGenerator.GetBytes);

    // A few points of each curve: to make one costs as much as a signature.
    private static Gen<WireWriter> Points(EcdsaCurve curve, ECCurve named) => Gen.Elements(Enumerable.Range(0, 8).Select(_ =>
    {
        using var key = ECDsa.Create(named);
        var q = key.ExportParameters(includePrivateParameters: false).Q;
        return new WireWriter().String(curve.Name).String([0x04, .. q.X!, .. q.Y!]);
    }).ToArray());

    private static PublicKey Key(string type, WireWriter fields) => PublicKey.Parse(new WireWriter().String(type).Raw(fields.ToArray()).ToArray());

    private static string AsSshKeygenShows(Certificate certificate) =>
        $"        Type: {certificate.Key.Type.Split('@')[0]}-cert-v01@openssh.com user certificate\n"
        + $"        Public key: {Kind(certificate.Key)}-CERT {Fingerprint.Compute(certificate.Key)}\n"
        + $"        Signing CA: {Kind(certificate.SignatureKey)} {Fingerprint.Compute(certificate.SignatureKey)} (using {certificate.SignatureAlgorithm})\n"
        + $"        Key ID: \"{certificate.KeyId}\"\n"
        + $"        Serial: {certificate.Serial}\n"
        + $"        Valid: from {Time(certificate.ValidAfter)} to {Time(certificate.ValidBefore)}\n"
        + $"        Principals: \n{string.Concat(certificate.Principals.Select(principal => $"                {principal}\n"))}"
        + $"        Critical Options: {Options(certificate.CriticalOptions)}"
        + $"        Extensions: {Options(certificate.Extensions)}";

    private static string Kind(PublicKey key) => key switch
    {
        Ed25519PublicKey => "ED25519",
        EcdsaPublicKey => "ECDSA",
        RsaPublicKey => "RSA",
        SecurityKeyEd25519PublicKey => "ED25519-SK",
        _ => "ECDSA-SK",
    };

    private static string Time(ulong seconds) => DateTimeOffset.FromUnixTimeSeconds((long)seconds).ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture);

    private static string Options(IReadOnlyList<CertificateOption> options) => options is [] ? "(none)\n" : $"\n{string.Concat(options.Select(Option))}";

    private static string Option(CertificateOption option) => $"                {option.Name}{option switch
    {
        { Name: "force-command" or "source-address" } => " " + new WireReader(option.Data.Span).Utf8("value"),
        { Data.IsEmpty: false } => $" UNKNOWN OPTION: {Convert.ToHexStringLower(option.Data.Span)} (len {option.Data.Length})",
        _ when option.Name.Contains('@') => " UNKNOWN FLAG OPTION",
        _ => "",
    }}\n";
}
