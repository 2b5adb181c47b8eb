using CertAuthority.Keys;
using CertAuthority.OpenSsh;

namespace CertAuthority.Tests.Unit;

public class FingerprintTests
{
    [Fact]
    public void Fingerprint_is_what_ssh_keygen_prints()
    {
        var lines = Vector.Text("fingerprints").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(14, lines.Length);
        Assert.All(lines, line =>
        {
            var words = line.Split(' ');
            Assert.Equal(words[1], Fingerprint.Compute(PublicKey.ParseLine(Vector.Text(words[0]))));
        });
    }
}
