using CertAuthority.OpenSsh;
using CertAuthority.Tsh;

namespace CertAuthority.Tests.Unit.Tsh;

public sealed class KeyFileTests : IDisposable
{
    private readonly string path = Path.GetTempFileName();

    [Theory]
    [InlineData("sk-ssh-ed25519@openssh.com", 0, true)]
    [InlineData("sk-ssh-ed25519@openssh.com", 1, false)]
    [InlineData("sk-ecdsa-sha2-nistp256@openssh.com", 4, true)]
    [InlineData("sk-ecdsa-sha2-nistp256@openssh.com", 5, false)]
    [InlineData("ssh-ed25519", 0, false)]
    public void Security_key_that_signs_without_a_touch_is_recognized(string type, byte flags, bool withoutTouch)
    {
        var key = new WireWriter().Raw(new byte[8]).String(type);
        for (var i = 0; i < (type.Contains("ecdsa") ? 3 : 2); i++)
            key.String("field");
        key.Raw([flags]).String("handle").String("");
        var file = new WireWriter().Raw("openssh-key-v1\0"u8).String("none").String("none").String("").Raw([0, 0, 0, 1]).String("public").String(key.ToArray()).ToArray();
        File.WriteAllText(path, $"-----BEGIN OPENSSH PRIVATE KEY-----\n{Convert.ToBase64String(file, Base64FormattingOptions.InsertLineBreaks)}\n-----END OPENSSH PRIVATE KEY-----\n");
        Assert.Equal(withoutTouch, KeyFile.SignsWithoutTouch(path));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n")]
    [InlineData("-----BEGIN OPENSSH PRIVATE KEY-----\n!\n-----END OPENSSH PRIVATE KEY-----\n")]
    [InlineData("-----BEGIN RSA PRIVATE KEY-----\n")]
    public void Any_other_file_is_not_recognized(string text)
    {
        File.WriteAllText(path, text);
        Assert.False(KeyFile.SignsWithoutTouch(path));
    }

    public void Dispose() => File.Delete(path);
}
