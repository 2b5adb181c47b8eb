using System.Text;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using CertAuthority.Proofs;

namespace CertAuthority.Tests.Unit.Proofs;

/// <summary>The texts and files of a log, against an example that others published, and against everything that is almost one.</summary>
public class FormatTests
{
    private const string Key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    private const string Signed = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    private static readonly byte[] Root = Enumerable.Range(0, 32).Select(n => (byte)n).ToArray();

    [Fact]
    public void Published_note_verifies()
    {
        var pk = Convert.FromBase64String(Key.Split('+', 3)[2])[1..];
        var note = Note.Parse(Signed)!;
        Assert.Equal((Key, Note.IdOf("PeterNeumann", pk), Signed), (Note.VerifierKey("PeterNeumann", pk), note.KeyId, $"{note}"));
        Assert.True(Signature.Verifies(new Ed25519PublicKey(pk), Encoding.UTF8.GetBytes(note.Text), "ssh-ed25519", note.Signature));
        Assert.False(Signature.Verifies(new Ed25519PublicKey(pk), Encoding.UTF8.GetBytes(note.Text + "x"), "ssh-ed25519", note.Signature));
    }

    [Theory]
    [InlineData("")]
    [InlineData("text\n")]
    [InlineData("text\n\n— name\n")]
    [InlineData("text\n\n— name AAAA\n")]
    [InlineData("text\n\n— name !!!!\n")]
    public void Note_without_one_signature_is_none(string text) => Assert.Null(Note.Parse(text));

    [Fact]
    public void Note_is_read_in_one_form_only()
    {
        Assert.Null(Note.Parse(Signed[..^1]));
        Assert.Null(Note.Parse(Signed + "\n"));
        Assert.Null(Note.Parse(Signed.Replace("\n\n—", "\n—", StringComparison.Ordinal)));
        Assert.Null(Note.Parse(Signed.Replace("AM=\n", "AN=\n", StringComparison.Ordinal)));
        Assert.Null(Note.Parse(Signed.Replace("x08g", " x08g", StringComparison.Ordinal)));
    }

    [Fact]
    public void Checkpoint_is_read_back()
    {
        var checkpoint = new Checkpoint("certauthority/0123456789abcdef/01234567", 4800, Root);
        Assert.Equal("certauthority/0123456789abcdef/01234567\n4800\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", checkpoint.Text);
        Assert.Equal(checkpoint, Checkpoint.Parse(checkpoint.Text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("log\n1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")]
    [InlineData("\n1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")]
    [InlineData("log\n01\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")]
    [InlineData("log\n-1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")]
    [InlineData("log\n+1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")]
    [InlineData("log\n99999999999999999999\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")]
    [InlineData("log\n1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\n")]
    [InlineData("log\n1\nAAEC\n")]
    [InlineData("log\n1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\nmore\n")]
    public void Text_that_is_almost_a_checkpoint_is_none(string text) => Assert.Null(Checkpoint.Parse(text));

    [Fact]
    public void Bundle_is_read_back_and_never_in_part()
    {
        byte[][] entries = [[], [1], new byte[256], new byte[EntryBundle.LongestEntry]];
        var bundle = EntryBundle.Write(entries);
        Assert.Equal(entries, EntryBundle.Read(bundle));
        Assert.Null(EntryBundle.Read(bundle.AsSpan(..^1)));
        Assert.Null(EntryBundle.Read([0]));
        Assert.Throws<OverflowException>(() => EntryBundle.Write([new byte[EntryBundle.LongestEntry + 1]]));
    }

    [Fact]
    public void Proof_is_read_back()
    {
        var proof = new InclusionProof(4710, [Root, Root], "log\n4800\n…\n");
        Assert.Equal("c2sp.org/tlog-proof@v1\nindex 4710\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\nlog\n4800\n…\n", $"{proof}");
        Assert.Equal($"{proof}", $"{InclusionProof.Parse($"{proof}")}");
        Assert.Equal("c2sp.org/tlog-proof@v1\nindex 0\n\nlog\n", $"{InclusionProof.Parse("c2sp.org/tlog-proof@v1\nindex 0\n\nlog\n")}");
        foreach (var (old, other) in new[] { ("@v1", "@v2"), ("index 4710", "index 04710"), ("index 4710", "index -1"), ("AAEC", "AAE"), ("\n\n", "\n") })
            Assert.Null(InclusionProof.Parse($"{proof}".Replace(old, other, StringComparison.Ordinal)));
    }
}
