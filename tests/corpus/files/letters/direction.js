if (level != 'user‮ ⁦// check⁩ ⁦') {}
