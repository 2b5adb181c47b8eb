using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

public class NamesTests
{
    private static readonly string Long62 = new('a', 62);

    [Theory]
    [InlineData("dba", true, true, true)]
    [InlineData("db-support", true, true, true)]
    [InlineData("db.support", true, true, true)]
    [InlineData("db_support", true, false, true)]
    [InlineData("5001", true, true, false)]
    [InlineData("a", true, true, true)]
    [InlineData("A", false, false, true)]
    [InlineData("_svc", false, false, true)]
    [InlineData("-v", false, false, false)]
    [InlineData(".hidden", false, false, false)]
    [InlineData("", false, false, false)]
    [InlineData("*", false, false, false)]
    [InlineData("a b", false, false, false)]
    [InlineData("4d-print", true, true, true)]
    [InlineData("1000@corp", false, false, false)]
    [InlineData("adam@corp.example.com", false, false, true)]
    [InlineData("adam@CORP", false, false, true)]
    [InlineData("a@", false, false, false)]
    [InlineData("@corp", false, false, false)]
    [InlineData("a@-corp", false, false, false)]
    [InlineData("a@corp_x", false, false, false)]
    [InlineData("a@corp@db1", false, false, false)]
    [InlineData("CORP\\adam", false, false, false)]
    [InlineData("a,root", false, false, false)]
    [InlineData("a/b", false, false, false)]
    [InlineData("a\n", false, false, false)]
    [InlineData("a\0", false, false, false)]
    [InlineData("ä", false, false, false)]
    [InlineData("а", false, false, false)] // Cyrillic
    public void Text_can_be_a_name_a_node_name_or_a_login(string text, bool name, bool node, bool login)
    {
        Assert.Equal(name, Names.IsName(text));
        Assert.Equal(node, Names.IsNodeName(text));
        Assert.Equal(login, Names.IsLogin(text));
    }

    [Fact]
    public void Names_have_at_most_63_characters_and_logins_64()
    {
        Assert.True(Names.IsName("a" + Long62));
        Assert.False(Names.IsName("ab" + Long62));
        Assert.True(Names.IsNodeName("a" + Long62));
        Assert.False(Names.IsNodeName("ab" + Long62));
        Assert.True(Names.IsLogin("ab" + Long62));
        Assert.False(Names.IsLogin("abc" + Long62));
    }

    [Theory]
    [InlineData('x', 4096, true)]
    [InlineData('x', 4097, false)]
    [InlineData('é', 2048, true)]
    [InlineData('é', 2049, false)]
    [InlineData('x', 0, true)]
    public void A_reason_is_measured_in_bytes(char character, int count, bool fits) =>
        Assert.Equal(fits, Names.ReasonFault(new string(character, count)) is null);

    [Fact]
    public void Overlong_reason_is_rejected_with_its_size() =>
        Assert.Equal("the reason has 4098 bytes; at most 4096 are kept", Names.ReasonFault(new string('é', 2049))!.Message);

    public static readonly TheoryData<string, string> Invisible = new()
    {
        { "newline", "a\nb" },
        { "carriage return", "a\rb" },
        { "tab", "a\tb" },
        { "escape", "a\u001b[2Jb" },
        { "delete", "a\u007fb" },
        { "NUL", "a\0b" },
        { "C1 control sequence introducer", "a\u009b2Jb" },
        { "right-to-left override", "a\u202eb" },
        { "left-to-right isolate", "a\u2066b" },
        { "pop directional isolate", "a\u2069b" },
        { "right-to-left mark", "a\u200fb" },
        { "zero-width space", "a\u200bb" },
        { "zero-width joiner", "a\u200db" },
        { "byte order mark", "a\ufeffb" },
        { "soft hyphen", "a\u00adb" },
        { "line separator", "a\u2028b" },
        { "paragraph separator", "a\u2029b" },
        { "tag character beyond the first plane", "a\U000e0041b" },
        { "private use", "a\ue000b" },
    };

    [Theory]
    [MemberData(nameof(Invisible))]
    public void A_reason_with_an_invisible_character_is_refused(string character, string reason) =>
        Assert.True(Names.ReasonFault(reason)?.Message == "the reason has control or invisible characters", character);

    [Theory]
    [InlineData("performing DB migration tonight")]
    [InlineData("today's migration: 100% \"done\" \\o/ <ok>")]
    [InlineData("Wartung für Jürgen")]
    [InlineData("מסד נתונים")]
    [InlineData("数据库迁移 🚀")]
    public void A_reason_in_plain_words_is_kept_in_every_language(string reason) => Assert.Null(Names.ReasonFault(reason));

    [Fact]
    public void Half_a_surrogate_pair_is_not_plain_text()
    {
        Assert.NotNull(Names.ReasonFault("a\ud83d"));
        Assert.NotNull(Names.ReasonFault("\ude80b"));
    }
}
