UPDATE U&"pg\005fenum" SET enumlabel = 'z';
